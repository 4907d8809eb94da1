// SPDX-License-Identifier: MIT
// In C++ what has to be left in order: objects with destructors, try blocks,
// variables of conditions, lambdas, coroutines.
#include "scopes.h"

#include <string>
#include <vector>
#ifdef CASE_coroutine
#include <coroutine>
#endif

struct guard {
	guard() { held++; }
	guard(const guard &) { held++; }
	~guard() { held--; }
	explicit operator bool() const { return true; }
};

#ifdef CASE_destructor
static int destructor(int n)
{
	if (side_jmp_unlikely(early))
		seen += n;
	{
		guard g;
		if (side_jmp_unlikely(late))
			seen += 2 * n;
	}
	return seen;
}
#endif

#ifdef CASE_destructors_nested
static int destructors_nested(int n)
{
	guard outer;

	if (side_jmp_unlikely(early)) {
		std::string s("longer than the buffer of a short string");
		if (side_jmp_unlikely(late)) {
			guard inner;
			if (side_jmp_unlikely(early))
				return 2 * n + (s.size() > 10);
		}
		return n;
	}
	return 0;
}
#endif

#ifdef CASE_wide_sites
static int wide_sites(int n)
{
	if (side_jmp_unlikely_wide(early))
		seen += n;
	guard g;
	if (side_jmp_unlikely_wide(late))
		seen += 2 * n;
	return seen;
}
#endif

#ifdef CASE_try_block
static int try_block(int n)
{
	if (side_jmp_unlikely(early))
		seen += n;
	try {
		guard g;
		if (side_jmp_unlikely(late))
			throw 2 * n;
		seen += 10;
	} catch (int thrown) {
		seen += thrown;
		if (side_jmp_unlikely(late))
			seen += 4;
	}
	return seen;
}
#endif

#ifdef CASE_if_initializer
static int if_initializer(int n)
{
	if (guard g; side_jmp_unlikely(early))
		seen += n;
	if (guard g; side_jmp_unlikely(late))
		seen += 2 * n;
	else if (guard h; side_jmp_unlikely(early))
		seen += 4 * n;
	return seen;
}
#endif

#ifdef CASE_condition_variable
static int condition_variable(int n)
{
	if (guard g = guard()) {
		if (side_jmp_unlikely(early))
			seen += n;
	}
	while (guard g = guard()) {
		if (side_jmp_unlikely(late))
			seen += 2 * n;
		if (!side_jmp_unlikely(late) || seen > 0)
			break;
	}
	return seen;
}
#endif

#ifdef CASE_range_for
static int range_for(int n)
{
	for (int i : std::vector<int>{ n, 2 * n, 4 * n }) {
		guard g;
		if (side_jmp_unlikely(early))
			seen += i;
		if (side_jmp_unlikely(late))
			break;
	}
	return seen;
}
#endif

#ifdef CASE_switch_in_scope
static int switch_in_scope(int n)
{
	guard g;

	if (side_jmp_unlikely(early))
		seen += n;
	switch (side_jmp_unlikely(late) ? 2 : n) {
	case 1: {
		guard h;
		if (side_jmp_unlikely(early))
			seen += 4;
		break;
	}
	case 2:
		seen += side_jmp_unlikely(late) ? 8 : 16;
	}
	return seen;
}
#endif

#ifdef CASE_lambda
static int lambda(int n)
{
	guard g;
	auto one = [&](int by) {
		guard h;
		return side_jmp_unlikely(early) ? by : 0;
	};
	auto two = [g, n] { return side_jmp_unlikely(late) ? 2 * n : 0; };

	if (side_jmp_unlikely(early))
		seen += 4;
	return seen + one(n) + two();
}
#endif

#ifdef CASE_temporaries
static int temporaries(int n)
{
	if (side_jmp_unlikely(early))
		seen += n;
	std::string s = std::string("a text that is longer than a short ") +
		(side_jmp_unlikely(late) ? std::string("string") : std::string());
	return seen + (s.size() > 36 ? 2 : 0) +
	       static_cast<int>((std::string("x") +
				 (side_jmp_unlikely(late) ? "yyyy" : "")).size()) - 1;
}
#endif

#ifdef CASE_and_or
static int and_or(int n)
{
	guard g;
	bool both = side_jmp_unlikely(early) && side_jmp_unlikely(late);
	guard h;
	bool any = side_jmp_unlikely(early) || side_jmp_unlikely(late);

	return both * 2 * n + any * n;
}
#endif

#ifdef CASE_loop
static int loop(int n)
{
	for (int i = 0; i < 4; i++) {
		guard g;
		if (side_jmp_unlikely(early) && i < 2) {
			seen += n;
			continue;
		}
		if (side_jmp_unlikely(late))
			break;
		seen += 10;
	}
	return seen;
}
#endif

#ifdef CASE_members
struct member {
	guard g;
	bool is;
	guard h;
	explicit member(bool b) : is(b || side_jmp_unlikely(early))
	{
		if (side_jmp_unlikely(late))
			seen += 2;
	}
	~member()
	{
		if (side_jmp_unlikely(early))
			seen += is;
	}
};
static int members(int n)
{
	{
		member m(n == 0);
		guard g;
		if (side_jmp_unlikely(late))
			seen += 4 * m.is;
	}
	return seen;
}
#endif

#ifdef CASE_static_local
static int static_local(int n)
{
	static const std::string text(side_jmp_unlikely(early) ? "x" : "y");

	if (side_jmp_unlikely(early))
		seen += n;
	return seen + (side_jmp_unlikely(late) ? static_cast<int>(2 * text.size()) : 0);
}
#endif

#ifdef CASE_constants
static constexpr int computed(int n)
{
	return !__builtin_is_constant_evaluated() && side_jmp_unlikely(late) ? 2 * n : 0;
}
static_assert(computed(1) == 0, "while a constant is computed there is no site");
static constexpr int compiles(int n)
{
	return side_jmp_unlikely(early) ? n : 0;
}
static int constants(int n)
{
	const bool is_early = side_jmp_unlikely(early);
	const int is_late = side_jmp_unlikely(late) ? computed(n) : 0;

	return (is_early ? compiles(n) : 0) + is_late;
}
#endif

#ifdef CASE_template_of_scopes
template <class T> static T scoped(T n)
{
	guard g;
	if constexpr (sizeof(T) > 4) {
		guard h;
		if (side_jmp_unlikely(early))
			return n;
	} else {
		if (side_jmp_unlikely(late))
			return n;
	}
	return 0;
}
static int template_of_scopes(int n)
{
	return scoped(2 * n) + static_cast<int>(scoped(1LL * n));
}
#endif

#ifdef CASE_throw_through
static void thrower(int n)
{
	guard g;
	if (side_jmp_unlikely(early)) {
		std::string s("longer than the buffer of a short string");
		if (side_jmp_unlikely(late))
			throw s;
		seen += n;
	}
}
static int throw_through(int n)
{
	guard g;
	try {
		thrower(n);
	} catch (const std::string &s) {
		return s.size() > 10 ? 2 : 3;
	}
	return seen;
}
#endif

#ifdef CASE_events_around_string
static int events_around_string(int n)
{
	side_jmp_event(scopes, first, n);
	std::string s("longer than the buffer of a short string");
	side_jmp_event(scopes, second, s.c_str());
	return events;
}
#endif

#ifdef CASE_events_in_scopes
static int events_in_scopes(int n)
{
	guard g;
	try {
		std::string s("longer than the buffer of a short string");
		side_jmp_event(scopes, second, (s + "and more").c_str());
		if (side_jmp_event_enabled(scopes, first))
			throw n;
	} catch (int thrown) {
		side_jmp_event(scopes, first, thrown);
	}
	auto emit = [&] { guard h; side_jmp_event(scopes, first, n); };
	emit();
	return events;
}
#endif

#ifdef CASE_coroutine
struct task {
	struct promise_type {
		task get_return_object()
		{
			return { std::coroutine_handle<promise_type>::from_promise(*this) };
		}
		std::suspend_always initial_suspend() noexcept { return {}; }
		std::suspend_always final_suspend() noexcept { return {}; }
		void return_void() {}
		void unhandled_exception() {}
	};
	std::coroutine_handle<promise_type> handle;
};
static task steps(int n)
{
	guard g;
	if (side_jmp_unlikely(early))
		seen += n;
	co_await std::suspend_always();
	{
		guard h;
		if (side_jmp_unlikely(late))
			seen += 2 * n;
		co_await std::suspend_always();
	}
	side_jmp_event(scopes, first, n);
}
static int coroutine(int n)
{
	task t = steps(n);

	while (!t.handle.done())
		t.handle.resume();
	t.handle.destroy();
	return seen + 4 * events;
}
#endif

static const scope_case cases[] = {
#ifdef CASE_destructor
	{ "destructor", destructor, 0, 1, 3 },
#endif
#ifdef CASE_destructors_nested
	{ "destructors_nested", destructors_nested, 0, 1, 3 },
#endif
#ifdef CASE_wide_sites
	{ "wide_sites", wide_sites, 0, 1, 3 },
#endif
#ifdef CASE_try_block
	{ "try_block", try_block, 10, 11, 7 },
#endif
#ifdef CASE_if_initializer
	{ "if_initializer", if_initializer, 0, 5, 3 },
#endif
#ifdef CASE_condition_variable
	{ "condition_variable", condition_variable, 0, 1, 3 },
#endif
#ifdef CASE_range_for
	{ "range_for", range_for, 0, 7, 1 },
#endif
#ifdef CASE_switch_in_scope
	{ "switch_in_scope", switch_in_scope, 0, 5, 9 },
#endif
#ifdef CASE_lambda
	{ "lambda", lambda, 0, 5, 7 },
#endif
#ifdef CASE_temporaries
	{ "temporaries", temporaries, 0, 1, 7 },
#endif
#ifdef CASE_and_or
	{ "and_or", and_or, 0, 1, 3 },
#endif
#ifdef CASE_loop
	{ "loop", loop, 40, 22, 2 },
#endif
#ifdef CASE_members
	{ "members", members, 0, 1, 7 },
#endif
#ifdef CASE_static_local
	{ "static_local", static_local, 0, 1, 3 },
#endif
#ifdef CASE_constants
	{ "constants", constants, 0, 1, 3 },
#endif
#ifdef CASE_template_of_scopes
	{ "template_of_scopes", template_of_scopes, 0, 1, 3 },
#endif
#ifdef CASE_throw_through
	{ "throw_through", throw_through, 0, 1, 2 },
#endif
#ifdef CASE_events_around_string
	{ "events_around_string", events_around_string, 0, 0, 2 },
#endif
#ifdef CASE_events_in_scopes
	{ "events_in_scopes", events_in_scopes, 0, 0, 3 },
#endif
#ifdef CASE_coroutine
	{ "coroutine", coroutine, 0, 1, 7 },
#endif
};

int main()
{
	int bad = 0;

	for (const scope_case &c : cases)
		bad += run_case(&c);
	return bad != 0;
}
