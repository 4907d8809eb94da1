/* SPDX-License-Identifier: MIT */
/*
 * side-jmp report: what is in a trace, as one page of HTML that needs nothing
 * else: pictures are SVG in it, and there is no script.  Its policy forbids
 * any, so that nothing in a trace could become one even if it were not text.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/ctf/command.h"
#include "tools/ctf/quote.h"
#include "tools/ctf/stats.h"
#include "tools/side-jmp.h"

static struct {
	FILE *to;
	struct stats stats;
	const struct ctf_seen *seen;
} report;

static const char head[] =
"<!DOCTYPE html>\n"
"<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
"<meta http-equiv=\"Content-Security-Policy\""
" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
"<meta name=\"color-scheme\" content=\"light dark\">\n";

static const char style[] =
"<style>\n"
":root{--bg:#fcfcfa;--card:#fff;--text:#1c1c1a;--soft:#62625c;--line:#dedcd6;"
"--span:#2b6cb0;--counter:#2f855a;--event:#8a6d1f;--mark:#c53030}\n"
"@media (prefers-color-scheme:dark){:root{--bg:#161615;--card:#1f1f1d;"
"--text:#ecebe6;--soft:#a5a49c;--line:#3a3935;--span:#63a4e8;--counter:#5fbf8c;"
"--event:#d0b054;--mark:#f58a8a}}\n"
"*{box-sizing:border-box}\n"
"body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:76rem;background:var(--bg);"
"color:var(--text);font:15px/1.45 system-ui,sans-serif}\n"
"h1{font-size:1.4rem;margin:0 0 .75rem;overflow-wrap:anywhere}\n"
"h2{font-size:1.1rem;margin:2rem 0 .6rem}\n"
"h3{font-size:1rem;margin:0 0 .5rem;overflow-wrap:anywhere}\n"
"dl{display:flex;flex-wrap:wrap;gap:.4rem 1.4rem;margin:0}\n"
"dt{color:var(--soft);font-size:.8rem}\n"
"dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}\n"
"svg{display:block;width:100%}\n"
".rows{border-top:1px solid var(--line)}\n"
".row{display:grid;grid-template-columns:minmax(0,15rem) 6rem 7rem minmax(0,1fr);"
"gap:0 1rem;align-items:center;padding:.35rem 0;border-bottom:1px solid var(--line)}\n"
".name{overflow-wrap:anywhere}\n"
".number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
".head{color:var(--soft);font-size:.8rem}\n"
".time{height:26px}.chart{height:90px}\n"
".axis{display:grid;grid-template-columns:1fr auto 1fr;gap:1rem;color:var(--soft);"
"font-size:.8rem;font-variant-numeric:tabular-nums}\n"
".axis :last-child{text-align:right}\n"
".cards{display:grid;gap:1rem;"
"grid-template-columns:repeat(auto-fill,minmax(min(100%,22rem),1fr))}\n"
".card{background:var(--card);border:1px solid var(--line);border-radius:6px;"
"padding:.9rem 1rem;min-width:0;display:flex;flex-direction:column}\n"
".card svg{margin-top:auto}\n"
".card dl{margin-bottom:.7rem}\n"
".note{color:var(--soft);font-size:.85rem;margin:.5rem 0 0}\n"
".span{fill:var(--span)}.counter{fill:var(--counter)}.event{fill:var(--event)}\n"
".band{fill:var(--counter);opacity:.3}\n"
".line{fill:none;stroke:var(--counter);stroke-width:1.5;"
"vector-effect:non-scaling-stroke}\n"
".mark{stroke:var(--mark);stroke-width:1.5;stroke-dasharray:4 3;"
"vector-effect:non-scaling-stroke}\n"
".base{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}\n"
"@media (max-width:44rem){"
".row{grid-template-columns:minmax(0,1fr) 4.5rem 5.5rem}"
".row .wide{grid-column:1/-1}.head .wide{display:none}}\n"
"</style>\n";

/* ---- numbers ------------------------------------------------------------ */

static void put(const char *s)
{
	fputs(s, report.to);
}

__attribute__((format(printf, 1, 2)))
static void putf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(report.to, format, args);
	va_end(args);
}

/* 1234567 as 1,234,567 */
static void put_count(uint64_t n)
{
	char digits[32];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, n);

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			putc(',', report.to);
		putc(digits[i], report.to);
	}
}

static void put_duration(double ns)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = {
		{ 3600e9, "h" }, { 60e9, "min" }, { 1e9, "s" }, { 1e6, "ms" },
		{ 1e3, "\xc2\xb5s" }, { 1, "ns" },
	};
	size_t i = 0;
	double v;

	while (i < 5 && ns < units[i].ns)
		i++;
	v = ns / units[i].ns;
	putf("%.*f %s", i == 5 || v >= 100 ? 0 : v >= 10 ? 1 : 2, v, units[i].name);
}

static double seconds(void)
{
	return (double)(report.stats.end - report.stats.begin) / 1e9;
}

static void put_rate(uint64_t n)
{
	double rate = seconds() > 0 ? (double)n / seconds() : 0;

	if (rate >= 1000)
		put_count((uint64_t)(rate + 0.5));
	else
		putf("%.*f", rate >= 100 ? 0 : rate >= 10 ? 1 : 2, rate);
	put("/s");
}

/* A pair of a list: its term, then the caller writes, then ends it. */
static void term(const char *name)
{
	putf("<div><dt>%s</dt><dd>", name);
}

static void term_ends(void)
{
	put("</dd></div>\n");
}

static void term_count(const char *name, uint64_t n)
{
	term(name);
	put_count(n);
	term_ends();
}

static void term_duration(const char *name, double ns)
{
	term(name);
	put_duration(ns);
	term_ends();
}

static void term_value(const char *name, double v)
{
	term(name);
	putf("%.6g", v);
	term_ends();
}

/* ---- pictures ----------------------------------------------------------- */

/* Bars, each 1 wide and `height` high where it is the highest. */
static void bars(const char *class, const uint64_t *n, unsigned first, unsigned end,
		 unsigned height)
{
	uint64_t most = 1;

	for (unsigned i = first; i < end; i++)
		most = n[i] > most ? n[i] : most;
	putf("<path class=\"%s\" d=\"", class);
	for (unsigned i = first; i < end; i++) {
		double high = height * (double)n[i] / (double)most;

		if (n[i])		/* one is to be seen beside a million, too */
			putf("M%u %uv-%.2fh1V%uz", i - first, height,
			     fmax(high, height / 24.0), height);
	}
	put("\"/>");
}

static const char *class_of(enum ctf_is is)
{
	return is == CTF_SPAN_BEGIN ? "span" : is == CTF_COUNTER ? "counter" : "event";
}

static void time_axis(void)
{
	put("<div class=\"axis\"><span>0</span><span>");
	put_duration((double)(report.stats.end - report.stats.begin) / 2);
	put("</span><span>");
	put_duration((double)(report.stats.end - report.stats.begin));
	put("</span></div>\n");
}

static void begin_picture(const char *class, unsigned width, unsigned height,
			  const char *what, const char *of)
{
	putf("<svg class=\"%s\" viewBox=\"0 0 %u %u\" preserveAspectRatio=\"none\""
	     " role=\"img\" aria-label=\"%s ", class, width, height, what);
	quote_html(report.to, of);
	put("\">");
}

/* ---- the timeline ------------------------------------------------------- */

static void timeline_row(const struct stats_row *row)
{
	unsigned n = stats_times(&report.stats);

	put("<div class=\"row\"><div class=\"name\">");
	quote_html(report.to, row->name);
	put("</div><div class=\"number\">");
	put_count(row->count);
	put("</div><div class=\"number\">");
	put_rate(row->count);
	put("</div><div class=\"wide\">");
	begin_picture("time", n, 24, "Over time:", row->name);
	bars(class_of(row->is), row->times, 0, n, 24);
	put("</svg></div></div>\n");
}

static void timeline(void)
{
	put("<h2>Timeline</h2>\n<div class=\"rows\">\n<div class=\"row head\"><div>"
	    "Event</div><div class=\"number\">Count</div><div class=\"number\">Rate"
	    "</div><div class=\"wide\">");
	time_axis();
	put("</div></div>\n");
	for (size_t i = 0; i < report.stats.n; i++)
		timeline_row(report.stats.rows[i]);
	put("</div>\n<p class=\"note\">Spans by where they begin. Each row has its own"
	    " scale; a bar is ");
	put_duration((double)report.stats.width);
	put(" wide.</p>\n");
}

/* ---- spans -------------------------------------------------------------- */

static double place(double ns, unsigned first)
{
	return log2(fmax(ns, 1)) * STATS_OCTAVE - first;
}

static void mark(double ns, unsigned first)
{
	putf("<path class=\"mark\" d=\"M%.2f 0V60\"/>", place(ns, first));
}

static void histogram(const struct stats_row *row)
{
	unsigned first = 0, end = STATS_LENGTHS;

	while (first + 1 < end && !row->lengths[first])
		first++;
	while (end > first + 1 && !row->lengths[end - 1])
		end--;
	begin_picture("chart", end - first, 60, "Durations of", row->name);
	bars("span", row->lengths, first, end, 60);
	mark(stats_quantile(row, .5), first);
	mark(stats_quantile(row, .99), first);
	put("</svg>\n<div class=\"axis\"><span>");
	put_duration(stats_length(first));
	put("</span><span>median and 99 % dashed</span><span>");
	put_duration(stats_length(end));
	put("</span></div>\n");
}

static void incomplete(uint64_t n, const char *what)
{
	if (!n)
		return;
	put("<p class=\"note\">");
	put_count(n);
	put(what);
	put("</p>\n");
}

static void span_card(const struct stats_row *row)
{
	put("<div class=\"card\"><h3>");
	quote_html(report.to, row->name);
	put("</h3>\n<dl>\n");
	term_count("Count", row->ended);
	if (row->ended) {
		term_duration("Median", stats_quantile(row, .5));
		term_duration("90 %", stats_quantile(row, .9));
		term_duration("99 %", stats_quantile(row, .99));
		term_duration("Longest", (double)row->most);
		term_duration("Together", row->total);
	}
	put("</dl>\n");
	if (row->ended)
		histogram(row);
	incomplete(row->no_end, " without an end");
	incomplete(row->no_begin, " without a begin");
	put("</div>\n");
}

/* ---- counters ----------------------------------------------------------- */

static double height_of(const struct stats_row *row, double v)
{
	double range = row->max - row->min;

	return range > 0 && isfinite(range) ? 57 - 54 * ((v - row->min) / range) : 30;
}

static void counter_chart(const struct stats_row *row)
{
	unsigned n = stats_times(&report.stats);
	double last = NAN;

	begin_picture("chart", n, 60, "Values of", row->name);
	put("<path class=\"base\" d=\"M0 59.5H100000\"/><path class=\"band\" d=\"");
	for (unsigned i = 0; i < n; i++)
		if (!isnan(row->mins[i]))
			putf("M%u %.2fV%.2fh1V%.2fz", i, height_of(row, row->mins[i]),
			     height_of(row, row->maxs[i]), height_of(row, row->mins[i]));
	put("\"/><path class=\"line\" d=\"");
	for (unsigned i = 0; i < n; i++) {
		if (!isnan(row->lasts[i])) {
			putf(isnan(last) ? "M%u %.2f" : "H%uV%.2f", i,
			     height_of(row, row->lasts[i]));
			last = row->lasts[i];
		}
	}
	putf("%s\"/></svg>\n", isnan(last) ? "" : "h100000");
	time_axis();
}

static void counter_card(const struct stats_row *row)
{
	put("<div class=\"card\"><h3>");
	quote_html(report.to, row->name);
	put("</h3>\n<dl>\n");
	term_count("Count", row->count);
	if (!isnan(row->last)) {
		term_value("Lowest", row->min);
		term_value("Highest", row->max);
		term_value("Last", row->last);
	}
	put("</dl>\n");
	if (!isnan(row->last))
		counter_chart(row);
	put("</div>\n");
}

/* ---- the page ----------------------------------------------------------- */

static void cards(const char *title, enum ctf_is is,
		  void (*card)(const struct stats_row *row))
{
	bool any = false;

	for (size_t i = 0; i < report.stats.n; i++) {
		if (report.stats.rows[i]->is != is)
			continue;
		if (!any)
			putf("<h2>%s</h2>\n<div class=\"cards\">\n", title);
		any = true;
		card(report.stats.rows[i]);
	}
	if (any)
		put("</div>\n");
}

static void facts(void)
{
	time_t second = (time_t)(report.stats.begin / 1000000000);
	struct tm tm;
	char date[64];

	put("<dl>\n");
	if (report.stats.begun && gmtime_r(&second, &tm) &&
	    strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm)) {
		term("Begins");
		put(date);
		term_ends();
	}
	term_duration("Lasts", (double)(report.stats.end - report.stats.begin));
	term_count("Events", report.seen->events);
	term("Rate");
	put_rate(report.seen->events);
	term_ends();
	term_count("Lost", report.seen->lost);
	if (report.seen->left_out)
		term_count("Left out", report.seen->left_out);
	term_count("Processes", report.stats.processes.n);
	term_count("Threads", report.stats.threads.n);
	put("</dl>\n");
}

static void page(void)
{
	put(head);
	put("<title>");
	quote_html(report.to, ctf_command_trace());
	put("</title>\n");
	put(style);
	put("</head>\n<body>\n<h1>");
	quote_html(report.to, ctf_command_trace());
	put("</h1>\n");
	facts();
	if (report.stats.n)
		timeline();
	else
		put("<p class=\"note\">No event.</p>\n");
	cards("Spans", CTF_SPAN_BEGIN, span_card);
	cards("Counters", CTF_COUNTER, counter_card);
	put("</body>\n</html>\n");
}

static int write_page(void)
{
	report.to = ctf_command_open();
	if (!report.to)
		return EXIT_BAD;
	page();
	return ctf_command_close(report.to);
}

static int read_and_write(struct ctf_seen *seen)
{
	int status;

	report.seen = seen;
	stats_begin(&report.stats);
	status = ctf_command_read(stats_event, &report.stats, seen);
	stats_end(&report.stats);
	if (status == EXIT_OK || report.stats.n)
		tool_worse(&status, write_page());
	stats_free(&report.stats);
	return status;
}

int cmd_report(int argc, char **argv)
{
	static const struct ctf_command command = {
		.doc = "Write what is in a CTF trace as a page for a browser.\v"
		       "Counts and rates, latencies of spans, values of counters,"
		       " over time. The page needs no network and has no script.",
		.run = read_and_write,
	};

	return ctf_command(&command, argc, argv);
}
