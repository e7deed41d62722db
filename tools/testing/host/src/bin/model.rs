// SPDX-License-Identifier: GPL-2.0

//! `model [RECORDS=n] [SEED=n] [SLOTS=n]`: streams records through the module's ring and checks
//! every one of them; see `watch_queue_host_tests::model`.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};
use watch_queue_host_tests::model::Model;

const USAGE: &str =
    "usage: model [RECORDS=n] [SEED=n] [SLOTS=n]   n up to 2^63; SLOTS a power of two, 512 to 2^31";

struct Options {
    records: u64,
    seed: u64,
    slots: u32,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        records: 10_000_000,
        seed: 1,
        slots: 512,
    };
    for argument in std::env::args().skip(1) {
        let wrong = || format!("'{argument}' is no argument\n{USAGE}");
        let (name, value) = argument.split_once('=').ok_or_else(wrong)?;
        let value: u64 = value.parse().map_err(|_| wrong())?;
        match name {
            "RECORDS" if value <= 1 << 63 => options.records = value,
            "SEED" => options.seed = value,
            "SLOTS" if value.is_power_of_two() && (512..=1 << 31).contains(&value) => {
                options.slots = value as u32;
            }
            _ => return Err(wrong()),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let Options {
        records,
        seed,
        slots,
    } = match options() {
        Ok(options) => options,
        Err(text) => {
            eprintln!("error: {text}");
            return ExitCode::from(2);
        }
    };
    println!("model: RECORDS={records} SEED={seed} SLOTS={slots}");

    let start = Instant::now();
    let mut model = Model::new(slots, seed);
    let (mut done, mut told) = (0, start);
    while done < records {
        let step = (records - done).min(1 << 20);
        model.run(step);
        done += step;
        if told.elapsed() >= Duration::from_secs(1) {
            told = Instant::now();
            println!("{done} records, {:.1} s", start.elapsed().as_secs_f64());
        }
    }
    let s = model.finish();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "posted {} = delivered {} + lost {}; read {}, told missing {}; {} REMOVALs, {} interludes",
        s.posted, s.delivered, s.lost, s.seen, s.missed, s.removals, s.hostile
    );
    println!(
        "model: ok, {:.2} million records a second, {seconds:.1} s",
        s.posted as f64 / seconds / 1e6
    );
    ExitCode::SUCCESS
}
