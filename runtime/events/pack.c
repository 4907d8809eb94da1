/* SPDX-License-Identifier: MIT */
/*
 * An event's values as bytes: one after the other, in the order of its fields, as
 * CTF 1.8 has them with no alignment.  Integers, floats and enums in as many bytes
 * as their type has; strings with a 0 behind them; chars, and arrays, as they are;
 * sequences as arrays behind a 32-bit count.  All of it in general registers.
 */
#define _GNU_SOURCE
#include "arch/general.h"
SJ_GENERAL_BEGIN
#include "runtime/events/events.h"

static inline void pack_bytes(struct sj_packer *w, const void *bytes,
			      size_t n)
{
	if (n > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	sj_copy(w->at, bytes, n);
	w->at += n;
}

/* Of one integer; n is a constant. */
static inline __attribute__((always_inline))
void pack_word(struct sj_packer *w, const void *bytes, size_t n)
{
	if (n > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	__builtin_memcpy(w->at, bytes, n);
	w->at += n;
}

static void pack_padded(struct sj_packer *w, const void *bytes, size_t n,
			size_t size)
{
	if (size > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	sj_copy(w->at, bytes, n);
	sj_clear(w->at + n, size - n);
	w->at += size;
}

/* Is one of 8 bytes 0?  Only then does taking 1 away borrow from a bit 7. */
static bool pack_has_end(const char *at)
{
	uint64_t v;

	__builtin_memcpy(&v, at, 8);
	return (v - UINT64_C(0x0101010101010101)) & ~v &
	       UINT64_C(0x8080808080808080);
}

/* One that another thread shortens meanwhile ends where the copy does. */
static void pack_string(struct sj_packer *w, const char *s, size_t n)
{
	char *at = w->at;

	pack_padded(w, s, n, n + 1);
	if (w->full)
		return;
	while (w->at - at >= 8 && !pack_has_end(at))
		at += 8;
	while (*at) {
		at++;
		/* clang (from 21 on) would make this a call of strlen() */
		__asm__ ("" : "+r" (at));
	}
	w->at = at + 1;
}

void sj_pack_integer(struct sj_packer *w, uint64_t v, size_t bytes)
{
	switch (bytes) {
	case 1: { uint8_t x = (uint8_t)v; pack_word(w, &x, 1); break; }
	case 2: { uint16_t x = (uint16_t)v; pack_word(w, &x, 2); break; }
	case 4: { uint32_t x = (uint32_t)v; pack_word(w, &x, 4); break; }
	default: pack_word(w, &v, 8);
	}
}

/*
 * Of a double that is a float's value, the float: nothing is rounded.  IEEE 754:
 * sign, 11 bits of exponent and 52 of mantissa; sign, 8, 23.
 */
static uint32_t pack_float(uint64_t v)
{
	uint32_t sign = (uint32_t)(v >> 63) << 31;
	unsigned exponent = (unsigned)(v >> 52) & 0x7ff;
	uint32_t mantissa = (uint32_t)(v >> 29) & 0x7fffff;

	if (exponent == 0x7ff)
		return sign | 0x7f800000 | mantissa;
	if (exponent > 1023 - 127)
		return sign | (uint32_t)(exponent - (1023 - 127)) << 23 | mantissa;
	if (exponent < 1023 - 149)
		return sign;
	return sign | (mantissa | 0x800000) >> (1023 - 126 - exponent);
}

static void pack_value(struct sj_packer *w, const struct side_jmp_field *f,
		       const struct side_jmp_value *v)
{
	switch (f->kind) {
	case SIDE_JMP_FLOAT:
		sj_pack_integer(w, f->elem == SIDE_JMP_F32 ?
				pack_float(v->u64) : v->u64,
				sj_elem_size(f->elem));
		break;
	case SIDE_JMP_STRING:
		pack_string(w, v->data, v->count);
		break;
	case SIDE_JMP_CHARS:
		pack_padded(w, v->data, sj_chars_length(f, v), f->count);
		break;
	case SIDE_JMP_SEQ:
		sj_pack_integer(w, v->count, 4);
		/* fall through */
	case SIDE_JMP_ARRAY:
		if (v->count > (size_t)(w->end - w->at))
			w->full = true;
		else
			pack_bytes(w, v->data,
				   v->count * sj_elem_size(f->elem));
		break;
	default:
		sj_pack_integer(w, v->u64, sj_elem_size(f->elem));
	}
}

void sj_pack(struct sj_packer *w, const struct side_jmp_event_desc *desc,
	     const struct side_jmp_value values[])
{
	const struct side_jmp_field *f = side_jmp_event_fields(desc);

	for (unsigned i = 0; i < desc->n_fields && !w->full; i++)
		pack_value(w, &f[i], &values[i]);
}

static size_t pack_value_size(const struct side_jmp_field *f,
			      const struct side_jmp_value *v)
{
	switch (f->kind) {
	case SIDE_JMP_STRING: return v->count + 1;
	case SIDE_JMP_CHARS: return f->count;
	case SIDE_JMP_SEQ: return 4 + v->count * sj_elem_size(f->elem);
	case SIDE_JMP_ARRAY: return v->count * sj_elem_size(f->elem);
	case SIDE_JMP_INT:
	case SIDE_JMP_FLOAT: return sj_elem_size(f->elem);
	case SIDE_JMP_ENUM: return 4;
	default: return 8;
	}
}

size_t sj_pack_size(const struct side_jmp_event_desc *desc,
		    const struct side_jmp_value values[])
{
	const struct side_jmp_field *f = side_jmp_event_fields(desc);
	size_t size = 0;

	for (unsigned i = 0; i < desc->n_fields; i++) {
		if (values[i].count > SJ_PACK_MAX && f[i].kind >= SIDE_JMP_STRING)
			return SIZE_MAX;
		size += pack_value_size(&f[i], &values[i]);
	}
	return size;
}

SJ_GENERAL_END
