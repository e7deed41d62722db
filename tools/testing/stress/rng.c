// SPDX-License-Identifier: GPL-2.0
/*
 * See rng.h: splitmix64.
 */
#include "rng.h"

void rng_init(struct rng *r, uint64_t s, unsigned int thread)
{
	r->state = s * 0x9e3779b97f4a7c15ull + thread * 0xd1342543de82ef95ull + 1;
	rnd(r, 2);
}

uint32_t rnd(struct rng *r, uint32_t below)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (x ^ x >> 31) % below;
}
