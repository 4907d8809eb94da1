/* SPDX-License-Identifier: MIT */
/*
 * Counting lists, and going through them.  Lists end in a ~ that is not counted;
 * m(c, n, item) for each, n from 1 on.
 */
#ifndef SIDE_JMP_EACH_H
#define SIDE_JMP_EACH_H

#define SIDE_JMP_COUNT_(...) \
	SIDE_JMP_COUNT_I_(__VA_ARGS__, \
		33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, \
		17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, ~)
#define SIDE_JMP_COUNT_I_( \
		a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, \
		a15, a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, \
		a28, a29, a30, a31, a32, a33, n, ...) n

/* One after the other. */
#define SIDE_JMP_EACH_0_(m, c, ...)
#define SIDE_JMP_EACH_1_(m, c, a1, ...)	m(c, 1, a1)
#define SIDE_JMP_EACH_2_(m, c, a1, a2, ...) \
	m(c, 1, a1) m(c, 2, a2)
#define SIDE_JMP_EACH_3_(m, c, a1, a2, a3, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3)
#define SIDE_JMP_EACH_4_(m, c, a1, a2, a3, a4, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4)
#define SIDE_JMP_EACH_5_(m, c, a1, a2, a3, a4, a5, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5)
#define SIDE_JMP_EACH_6_(m, c, a1, a2, a3, a4, a5, a6, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) \
	m(c, 6, a6)
#define SIDE_JMP_EACH_7_(m, c, a1, a2, a3, a4, a5, a6, a7, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) \
	m(c, 6, a6) m(c, 7, a7)
#define SIDE_JMP_EACH_8_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) \
	m(c, 6, a6) m(c, 7, a7) m(c, 8, a8)
#define SIDE_JMP_EACH_9_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) \
	m(c, 6, a6) m(c, 7, a7) m(c, 8, a8) m(c, 9, a9)
#define SIDE_JMP_EACH_10_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) \
	m(c, 6, a6) m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10)
#define SIDE_JMP_EACH_11_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) \
	m(c, 6, a6) m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) \
	m(c, 11, a11)
#define SIDE_JMP_EACH_12_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, a12, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) \
	m(c, 6, a6) m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) \
	m(c, 11, a11) m(c, 12, a12)
#define SIDE_JMP_EACH_13_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, a12, a13, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) \
	m(c, 6, a6) m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) \
	m(c, 11, a11) m(c, 12, a12) m(c, 13, a13)
#define SIDE_JMP_EACH_14_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, a12, a13, a14, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) \
	m(c, 6, a6) m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) \
	m(c, 11, a11) m(c, 12, a12) m(c, 13, a13) m(c, 14, a14)
#define SIDE_JMP_EACH_15_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, a12, a13, a14, a15, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) \
	m(c, 6, a6) m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) \
	m(c, 11, a11) m(c, 12, a12) m(c, 13, a13) m(c, 14, a14) \
	m(c, 15, a15)
#define SIDE_JMP_EACH_16_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, a12, a13, a14, a15, a16, ...) \
	m(c, 1, a1) m(c, 2, a2) m(c, 3, a3) m(c, 4, a4) m(c, 5, a5) \
	m(c, 6, a6) m(c, 7, a7) m(c, 8, a8) m(c, 9, a9) m(c, 10, a10) \
	m(c, 11, a11) m(c, 12, a12) m(c, 13, a13) m(c, 14, a14) \
	m(c, 15, a15) m(c, 16, a16)

/* With commas in between. */
#define SIDE_JMP_LIST_0_(m, c, ...)
#define SIDE_JMP_LIST_1_(m, c, a1, ...)	m(c, 1, a1)
#define SIDE_JMP_LIST_2_(m, c, a1, a2, ...) \
	m(c, 1, a1), m(c, 2, a2)
#define SIDE_JMP_LIST_3_(m, c, a1, a2, a3, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3)
#define SIDE_JMP_LIST_4_(m, c, a1, a2, a3, a4, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4)
#define SIDE_JMP_LIST_5_(m, c, a1, a2, a3, a4, a5, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5)
#define SIDE_JMP_LIST_6_(m, c, a1, a2, a3, a4, a5, a6, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5), \
	m(c, 6, a6)
#define SIDE_JMP_LIST_7_(m, c, a1, a2, a3, a4, a5, a6, a7, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5), \
	m(c, 6, a6), m(c, 7, a7)
#define SIDE_JMP_LIST_8_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5), \
	m(c, 6, a6), m(c, 7, a7), m(c, 8, a8)
#define SIDE_JMP_LIST_9_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5), \
	m(c, 6, a6), m(c, 7, a7), m(c, 8, a8), m(c, 9, a9)
#define SIDE_JMP_LIST_10_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5), \
	m(c, 6, a6), m(c, 7, a7), m(c, 8, a8), m(c, 9, a9), m(c, 10, a10)
#define SIDE_JMP_LIST_11_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5), \
	m(c, 6, a6), m(c, 7, a7), m(c, 8, a8), m(c, 9, a9), m(c, 10, a10), \
	m(c, 11, a11)
#define SIDE_JMP_LIST_12_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, a12, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5), \
	m(c, 6, a6), m(c, 7, a7), m(c, 8, a8), m(c, 9, a9), m(c, 10, a10), \
	m(c, 11, a11), m(c, 12, a12)
#define SIDE_JMP_LIST_13_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, a12, a13, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5), \
	m(c, 6, a6), m(c, 7, a7), m(c, 8, a8), m(c, 9, a9), m(c, 10, a10), \
	m(c, 11, a11), m(c, 12, a12), m(c, 13, a13)
#define SIDE_JMP_LIST_14_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, a12, a13, a14, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5), \
	m(c, 6, a6), m(c, 7, a7), m(c, 8, a8), m(c, 9, a9), m(c, 10, a10), \
	m(c, 11, a11), m(c, 12, a12), m(c, 13, a13), m(c, 14, a14)
#define SIDE_JMP_LIST_15_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, a12, a13, a14, a15, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5), \
	m(c, 6, a6), m(c, 7, a7), m(c, 8, a8), m(c, 9, a9), m(c, 10, a10), \
	m(c, 11, a11), m(c, 12, a12), m(c, 13, a13), m(c, 14, a14), \
	m(c, 15, a15)
#define SIDE_JMP_LIST_16_(m, c, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, \
	a11, a12, a13, a14, a15, a16, ...) \
	m(c, 1, a1), m(c, 2, a2), m(c, 3, a3), m(c, 4, a4), m(c, 5, a5), \
	m(c, 6, a6), m(c, 7, a7), m(c, 8, a8), m(c, 9, a9), m(c, 10, a10), \
	m(c, 11, a11), m(c, 12, a12), m(c, 13, a13), m(c, 14, a14), \
	m(c, 15, a15), m(c, 16, a16)

/* What an empty list of parameters is. */
#define SIDE_JMP_VOID_0	void
#define SIDE_JMP_VOID_1
#define SIDE_JMP_VOID_2
#define SIDE_JMP_VOID_3
#define SIDE_JMP_VOID_4
#define SIDE_JMP_VOID_5
#define SIDE_JMP_VOID_6
#define SIDE_JMP_VOID_7
#define SIDE_JMP_VOID_8
#define SIDE_JMP_VOID_9
#define SIDE_JMP_VOID_10
#define SIDE_JMP_VOID_11
#define SIDE_JMP_VOID_12
#define SIDE_JMP_VOID_13
#define SIDE_JMP_VOID_14
#define SIDE_JMP_VOID_15
#define SIDE_JMP_VOID_16

/* As EACH, within an EACH: labels. */
#define SIDE_JMP_LABEL_0_(m, c, ...)
#define SIDE_JMP_LABEL_1_(m, c, a, ...)	m(c, 1, a)
#define SIDE_JMP_LABEL_2_(m, c, a, ...) \
	m(c, 2, a) SIDE_JMP_LABEL_1_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_3_(m, c, a, ...) \
	m(c, 3, a) SIDE_JMP_LABEL_2_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_4_(m, c, a, ...) \
	m(c, 4, a) SIDE_JMP_LABEL_3_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_5_(m, c, a, ...) \
	m(c, 5, a) SIDE_JMP_LABEL_4_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_6_(m, c, a, ...) \
	m(c, 6, a) SIDE_JMP_LABEL_5_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_7_(m, c, a, ...) \
	m(c, 7, a) SIDE_JMP_LABEL_6_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_8_(m, c, a, ...) \
	m(c, 8, a) SIDE_JMP_LABEL_7_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_9_(m, c, a, ...) \
	m(c, 9, a) SIDE_JMP_LABEL_8_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_10_(m, c, a, ...) \
	m(c, 10, a) SIDE_JMP_LABEL_9_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_11_(m, c, a, ...) \
	m(c, 11, a) SIDE_JMP_LABEL_10_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_12_(m, c, a, ...) \
	m(c, 12, a) SIDE_JMP_LABEL_11_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_13_(m, c, a, ...) \
	m(c, 13, a) SIDE_JMP_LABEL_12_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_14_(m, c, a, ...) \
	m(c, 14, a) SIDE_JMP_LABEL_13_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_15_(m, c, a, ...) \
	m(c, 15, a) SIDE_JMP_LABEL_14_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_16_(m, c, a, ...) \
	m(c, 16, a) SIDE_JMP_LABEL_15_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_17_(m, c, a, ...) \
	m(c, 17, a) SIDE_JMP_LABEL_16_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_18_(m, c, a, ...) \
	m(c, 18, a) SIDE_JMP_LABEL_17_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_19_(m, c, a, ...) \
	m(c, 19, a) SIDE_JMP_LABEL_18_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_20_(m, c, a, ...) \
	m(c, 20, a) SIDE_JMP_LABEL_19_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_21_(m, c, a, ...) \
	m(c, 21, a) SIDE_JMP_LABEL_20_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_22_(m, c, a, ...) \
	m(c, 22, a) SIDE_JMP_LABEL_21_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_23_(m, c, a, ...) \
	m(c, 23, a) SIDE_JMP_LABEL_22_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_24_(m, c, a, ...) \
	m(c, 24, a) SIDE_JMP_LABEL_23_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_25_(m, c, a, ...) \
	m(c, 25, a) SIDE_JMP_LABEL_24_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_26_(m, c, a, ...) \
	m(c, 26, a) SIDE_JMP_LABEL_25_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_27_(m, c, a, ...) \
	m(c, 27, a) SIDE_JMP_LABEL_26_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_28_(m, c, a, ...) \
	m(c, 28, a) SIDE_JMP_LABEL_27_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_29_(m, c, a, ...) \
	m(c, 29, a) SIDE_JMP_LABEL_28_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_30_(m, c, a, ...) \
	m(c, 30, a) SIDE_JMP_LABEL_29_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_31_(m, c, a, ...) \
	m(c, 31, a) SIDE_JMP_LABEL_30_(m, c, __VA_ARGS__)
#define SIDE_JMP_LABEL_32_(m, c, a, ...) \
	m(c, 32, a) SIDE_JMP_LABEL_31_(m, c, __VA_ARGS__)

#endif /* SIDE_JMP_EACH_H */
