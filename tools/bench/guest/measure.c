// SPDX-License-Identifier: GPL-2.0
/* Counting: samples, their median and mean, and the lines that are printed. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

uint64_t ticks_cost;

void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fprintf(stderr, ": %s\n", strerror(error));
	va_end(args);
	exit(1);
}

void sample(struct samples *s, uint64_t value)
{
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 1024;
		s->values = realloc(s->values, s->room * sizeof(*s->values));
		if (!s->values)
			die("memory for samples");
	}
	s->values[s->n++] = value;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double median(struct samples *s)
{
	if (s->n == 0)
		return 0;
	qsort(s->values, s->n, sizeof(*s->values), ascending);
	return (double)(s->values[(s->n - 1) / 2] + s->values[s->n / 2]) / 2;
}

static double mean(const struct samples *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += (double)s->values[i];
	return s->n ? sum / (double)s->n : 0;
}

void report(struct samples *s, double divisor, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(" %.2f %.2f\n", median(s) / divisor, mean(s) / divisor);
	fflush(stdout);
	s->n = 0;
}

void report_once(double value, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(" %.2f %.2f\n", value, value);
	fflush(stdout);
}

void measure_init(void)
{
	struct samples s = { 0 };

	for (int i = 0; i < 1000; i++) {
		uint64_t start = ticks();

		sample(&s, ticks() - start);
	}
	ticks_cost = (uint64_t)median(&s);
	free(s.values);
}
