// SPDX-License-Identifier: GPL-2.0

//! KUnit tests of the mark layer. They run when the module is loaded on a kernel with KUnit.
//!
//! They have watches of their own ([`party::Probe`]) with a context of their own, so they neither
//! see nor disturb those of the module. Races are played by stopping one side in a window
//! ([`super::hooks`]), or run by two tasks that meet at a starting line. A mark that is leaked or
//! freed twice is noticed in each test: the world counts its watches, destroys the slab cache of
//! the marks at the end, which warns about objects that are left, and runs under KASAN.

mod life;
mod list;
mod party;
mod reap;
mod rounds;
mod slot;
mod table;
mod target;
mod wait;
mod world;
