// SPDX-License-Identifier: GPL-2.0

//! How many lines may be printed: a program that provokes them must not be able to keep the printer busy.

use std::time::{Duration, Instant};

/// Lines in [`PERIOD`].
const MOST: u32 = 50;
const PERIOD: Duration = Duration::from_secs(1);

/// Counts lines.
#[derive(Debug, Default)]
pub struct Rate {
    period: Option<Instant>,
    printed: u32,
    held_back: u64,
}

impl Rate {
    /// Whether one more line may be printed at the moment `now`; counts it if not.
    pub fn allows(&mut self, now: Instant) -> bool {
        match self.period {
            Some(begun) if now.duration_since(begun) < PERIOD => {}
            _ => {
                self.period = Some(now);
                self.printed = 0;
            }
        }
        let allowed = self.printed < MOST;
        if allowed {
            self.printed += 1;
        } else {
            self.held_back += 1;
        }
        allowed
    }

    /// How many lines were not printed since this was asked for last.
    pub fn take_held_back(&mut self) -> u64 {
        std::mem::take(&mut self.held_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_in_a_second() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        let allowed = (0..120).filter(|_| rate.allows(now)).count();
        assert_eq!((allowed, rate.take_held_back()), (50, 70));
        assert!(!rate.allows(now + PERIOD / 2));
        assert!(rate.allows(now + PERIOD));
        assert_eq!(rate.take_held_back(), 1);
        assert_eq!(rate.take_held_back(), 0);
    }
}
