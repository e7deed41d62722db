// SPDX-License-Identifier: GPL-2.0

//! Whether a run is due, and when: after the changes have been quiet for a moment, but not never.
//!
//! A change that came during a run, by a process that is gone, may be the command's own or not. It counts,
//! because a change that is missed is worse than a run too many. So that a command that changes something in
//! each run does not run for ever at full speed, such runs come at longer and longer intervals.

use std::time::{Duration, Instant};

use super::tree::Origin;

/// How often a run may follow from the one before it, before there are pauses.
const ECHOES: u32 = 3;

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(64);

/// The changes that no run has seen from its beginning.
#[derive(Debug)]
pub struct Due {
    debounce: Duration,
    /// When the first and the last of them came; none is due without.
    since: Option<(Instant, Instant)>,
    /// One of them in words, rather a certain one.
    why: Option<String>,
    /// None of them is certain not to be the command's own.
    doubtful: bool,
    /// How many runs in a row were due to doubtful changes only.
    echoes: u32,
    /// Not before.
    held: Option<Instant>,
}

impl Due {
    /// Nothing has changed; `now` says whether there is to be a run all the same.
    pub fn new(debounce: Duration, now: bool) -> Self {
        let long_ago = Instant::now().checked_sub(debounce);
        let begin = long_ago.unwrap_or_else(Instant::now);
        Due {
            debounce,
            since: now.then_some((begin, begin)),
            why: None,
            doubtful: false,
            echoes: 0,
            held: None,
        }
    }

    /// Something changed.
    pub fn add(&mut self, origin: Origin, why: impl FnOnce() -> String) {
        self.add_at(origin, Instant::now(), why);
    }

    fn add_at(&mut self, origin: Origin, now: Instant, why: impl FnOnce() -> String) {
        let doubtful = origin == Origin::Unknown;
        if self.why.is_none() || (self.doubtful && !doubtful) {
            self.why = Some(why());
        }
        match &mut self.since {
            Some((_, last)) => {
                *last = now;
                self.doubtful &= doubtful;
            }
            None => {
                self.since = Some((now, now));
                self.doubtful = doubtful;
            }
        }
        if !doubtful {
            self.held = None;
            self.echoes = 0;
        }
    }

    /// When there is to be a run, if nothing more changes.
    pub fn ripens(&self) -> Option<Instant> {
        let (first, last) = self.since?;
        // What changes without end is not waited for.
        let longest = self.debounce.saturating_mul(10).max(Duration::from_secs(1));
        let quiet = last.checked_add(self.debounce)?;
        let ripe = first.checked_add(longest).map_or(quiet, |at| at.min(quiet));
        Some(self.held.map_or(ripe, |held| held.max(ripe)))
    }

    /// Whether there is to be a run.
    pub fn is_ripe(&self, now: Instant) -> bool {
        self.ripens().is_some_and(|at| at <= now)
    }

    /// How long the run that is due should wait, because it may follow from nothing but the one before.
    pub fn pause(&self) -> Option<Duration> {
        if !self.doubtful || self.held.is_some() {
            return None;
        }
        let power = self.echoes.checked_sub(ECHOES)?;
        Some(Duration::from_secs(1_u64.checked_shl(power).unwrap_or(u64::MAX)).min(LONGEST))
    }

    /// Lets the run wait.
    pub fn hold(&mut self, pause: Duration) {
        self.held = Instant::now().checked_add(pause);
    }

    /// One of the changes, in words.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Whether no run was paused since the last change that is certain.
    pub fn is_first_pause(&self) -> bool {
        self.echoes == ECHOES
    }

    /// A run begins, which sees all of them.
    pub fn taken(&mut self) {
        self.echoes = match self.doubtful {
            true => self.echoes.saturating_add(1),
            false => 0,
        };
        self.since = None;
        self.why = None;
        self.doubtful = false;
        self.held = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_run_waits_for_quiet_but_not_for_ever() {
        let mut due = Due::new(MS * 50, false);
        let start = Instant::now();
        assert!(!due.is_ripe(start));
        due.add_at(Origin::Foreign, start, || "a".into());
        assert!(!due.is_ripe(start + MS * 49));
        assert!(due.is_ripe(start + MS * 50));
        for n in 1..40 {
            due.add_at(Origin::Foreign, start + MS * 30 * n, || "b".into());
        }
        assert!(due.is_ripe(start + MS * 1000));
        assert!(!due.is_ripe(start + MS * 999));
        assert_eq!(due.why(), Some("a"));
        due.taken();
        assert!(!due.is_ripe(start + MS * 9999));
        assert!(Due::new(MS * 50, true).is_ripe(Instant::now()));
    }

    #[test]
    fn doubtful_changes_alone_are_slowed_down_but_never_dropped() {
        let mut due = Due::new(MS, false);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            due.add(Origin::Unknown, || "o".into());
            pauses.push(due.pause().map_or(0, |pause| pause.as_secs()));
            if let Some(pause) = due.pause() {
                due.hold(pause);
                assert_eq!(due.pause(), None);
            }
            assert!(due.ripens().is_some());
            due.taken();
        }
        assert_eq!(pauses, [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 64, 64]);
        due.add(Origin::Unknown, || "o".into());
        due.hold(MS * 60_000);
        due.add(Origin::Foreign, || "saved".into());
        assert_eq!(due.pause(), None);
        assert_eq!(due.why(), Some("saved"));
        assert!(due.ripens().unwrap() < Instant::now() + MS * 1000);
        due.taken();
        due.add(Origin::Unknown, || "o".into());
        assert_eq!(due.pause(), None);
    }
}
