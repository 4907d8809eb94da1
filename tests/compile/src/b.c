/* SPDX-License-Identifier: MIT */
/* Keys of another file; and in C++ what only C++ has. */
#include "matrix.h"

static int declared(int a) { return side_jmp_unlikely(of_a) ? a + 5 : a; }
static int declared64(int a) { return side_jmp_unlikely(of_a64) ? a + 5 : a; }

#ifdef __cplusplus
namespace ns {
SIDE_JMP_KEY(qualified);
namespace inner { SIDE_JMP_KEY64(qualified64); }
}

template <class T> static int in_template(int a)
{
	T t = static_cast<T>(a);

	return side_jmp_unlikely(ns::qualified) ? static_cast<int>(t + 1) : a;
}

static int in_lambda(int a)
{
	auto l = [&](int b) { return side_jmp_unlikely(ns::inner::qualified64) ? a + b : a; };

	return l(5);
}

class object {
	int a_;

public:
	explicit object(int a) : a_(a) { if (side_jmp_unlikely(ns::qualified)) a_ += 1; }
	int get() const { return side_jmp_unlikely(ns::qualified) ? a_ + 1 : a_; }
	static int in_static(int a) { return side_jmp_unlikely(ns::qualified) ? a + 1 : a; }
};

static int in_class(int a) { return object(a).get() + object::in_static(a); }
static int in_instances(int a) { return in_template<int>(a) + in_template<long>(a) + in_template<double>(a); }
static int in_holder(int a) { return holder<int>{a}.get() + static_cast<int>(holder<long>{a}.get()); }
static int comdat(int a) { return in_comdat(a); }

static int in_try(int a)
{
	try {
		if (side_jmp_unlikely(ns::qualified))
			throw a + 1;
	} catch (int b) {
		return b;
	}
	return a;
}
#endif

const struct check checks_b[] = {
	{ "declared", &of_a, declared, 10, 15 },
	{ "declared, 64 bits", &of_a64, declared64, 10, 15 },
#ifdef __cplusplus
	{ "template", &ns::qualified, in_instances, 30, 33 },
	{ "lambda", &ns::inner::qualified64, in_lambda, 10, 15 },
	{ "class", &ns::qualified, in_class, 20, 23 },
	{ "exception", &ns::qualified, in_try, 10, 11 },
	{ "template of a header", &of_lib, in_holder, 20, 22 },
	{ "inline of a header", &of_lib, comdat, 10, 1010 },
#endif
	{ NULL, NULL, NULL, 0, 0 },
};
