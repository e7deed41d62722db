/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random numbers that a seed repeats. Each thread has its own, made from the seed and the
 * thread's number.
 */
#ifndef STRESS_RNG_H
#define STRESS_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

void rng_init(struct rng *r, uint64_t seed, unsigned int thread);
uint32_t rnd(struct rng *r, uint32_t below);	/* 0 to below - 1 */

static inline bool chance(struct rng *r, uint32_t percent)
{
	return rnd(r, 100) < percent;
}

#endif
