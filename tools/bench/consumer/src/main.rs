// SPDX-License-Identifier: GPL-2.0
//! What reading costs through the Rust crate, per event, when so many wait: the set "consume" of
//! tools/bench/guest in Rust, with the same events and the same numbers. "records" is what the C
//! figures are, too: each record is found and its length checked. "events" decodes each besides,
//! so that a body that is too short or a name that does not end would be found.

use std::fs::{self, File};
use std::hint::black_box;
use std::io;
use std::os::unix::fs::FileExt;

use watch_queue::{Events, Kind, Queue, Ring, Scope, Watch};

const NUMBERS: [usize; 4] = [1, 16, 64, 1024];
const ROUNDS: usize = 64;

/// The counter of instructions, which the guest's time-stamp counter is with tools/vm/run --icount.
fn ticks() -> u64 {
    // SAFETY: The instruction is there on every x86_64 and touches no memory.
    unsafe { core::arch::x86_64::_rdtsc() }
}

fn median(samples: &mut [u64]) -> u64 {
    samples.sort_unstable();
    samples.get(samples.len() / 2).copied().unwrap_or(0)
}

fn records(ring: &mut Ring) -> io::Result<usize> {
    let mut n = 0;
    while ring.next()?.is_some() {
        n += 1;
    }
    Ok(n)
}

fn events(ring: &mut Ring) -> io::Result<usize> {
    let mut n = 0;
    while let Some(record) = ring.next()? {
        if let Kind::Fs(event) = record.kind()? {
            black_box(event.name());
            n += 1;
        }
    }
    Ok(n)
}

fn measure(
    part: &str,
    read: fn(&mut Ring) -> io::Result<usize>,
    files: &[File],
    cost: u64,
) -> io::Result<()> {
    let (control, mut ring) = Queue::builder().pages(64).open()?;
    control.add(
        &Watch::path(".")
            .scope(Scope::Children)
            .events(Events::MODIFY),
    )?;
    let mut samples = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS + 4 {
        for file in files {
            file.write_at(b"z", 0)?;
        }
        let start = ticks();
        let n = read(&mut ring)?;
        let taken = ticks() - start;
        if n != files.len() {
            return Err(io::Error::other(format!("{n} of {} events", files.len())));
        }
        if round >= 4 {
            samples.push(taken.saturating_sub(cost));
        }
    }
    let n = files.len() as f64;
    let mean = samples.iter().sum::<u64>() as f64 / ROUNDS as f64 / n;
    let half = median(&mut samples) as f64 / n;
    println!("consume.rust.{}.{part} {half:.2} {mean:.2}", files.len());
    Ok(())
}

fn main() -> io::Result<()> {
    let mut empty: Vec<u64> = (0..1000)
        .map(|_| {
            let start = ticks();
            ticks() - start
        })
        .collect();
    let cost = median(&mut empty);
    let folder = "/tmp/bench-consumer";
    fs::create_dir(folder)?;
    std::env::set_current_dir(folder)?;
    for n in NUMBERS {
        let files = (0..n)
            .map(|i| File::create(format!("read-{i:06}")))
            .collect::<io::Result<Vec<_>>>()?;
        measure("read", records, &files, cost)?;
        measure("decode", events, &files, cost)?;
    }
    Ok(())
}
