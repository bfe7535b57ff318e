//! When a check alerts: hysteresis and cool-down.

use hanok_drift::Verdict;
use serde::Serialize;

use crate::window::Span;

/// When to alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Bad windows in a row until the alarm; at least 1.
    pub after: u32,
    /// Good windows in a row until it is over; at least 1.
    pub clear_after: u32,
    /// After an alert, none of the same check for so long, microseconds from the end of one window to that of another.
    pub cool_down_us: i64,
}

/// How a check stands after a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Whether the alarm is on.
    pub is_alarming: bool,
    /// Bad windows since the last good one.
    pub bad: u32,
    /// Good windows since the last bad one.
    pub good: u32,
    /// The start of the first bad window of this alarm, or of what may become one.
    pub since_us: Option<i64>,
    /// The end of the window with the last alert.
    pub alerted_us: Option<i64>,
}

/// What people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Notice {
    /// The alarm is on.
    Raised,
    /// It is over.
    Cleared,
}

impl Notice {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Cleared => "cleared",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Raised, Self::Cleared].into_iter().find(|notice| notice.name() == text)
    }
}

impl State {
    /// `ok`, `pending` (bad windows, but not enough) or `alarming`.
    pub fn name(&self) -> &'static str {
        match (self.is_alarming, self.bad) {
            (true, _) => "alarming",
            (false, 0) => "ok",
            (false, _) => "pending",
        }
    }

    /// The state after the next window. An undecided one counts neither as bad nor as good.
    ///
    /// An alarm that comes within the cool-down is on, but silent; a bad window after the cool-down tells of it. The end of an
    /// alarm that nobody was told of is silent too.
    #[must_use]
    pub fn after(self, rule: &Rule, window: Span, verdict: Verdict) -> (Self, Option<Notice>) {
        let mut next = self;
        match verdict {
            Verdict::Undecided => (next, None),
            Verdict::Drifted => {
                next.bad = self.bad.saturating_add(1);
                next.good = 0;
                next.since_us = self.since_us.or(Some(window.start_us));
                next.is_alarming |= next.bad >= rule.after;
                let is_cool = self
                    .alerted_us
                    .is_none_or(|alerted_us| window.end_us.saturating_sub(alerted_us) >= rule.cool_down_us);
                if !next.is_alarming || next.is_told() || !is_cool {
                    return (next, None);
                }
                next.alerted_us = Some(window.end_us);
                (next, Some(Notice::Raised))
            }
            Verdict::Stable => {
                next.good = self.good.saturating_add(1);
                next.bad = 0;
                if self.is_alarming && next.good < rule.clear_after {
                    return (next, None);
                }
                let is_over = self.is_alarming && self.is_told();
                next.is_alarming = false;
                next.since_us = None;
                (next, is_over.then_some(Notice::Cleared))
            }
        }
    }

    /// Whether people were told of this alarm.
    fn is_told(&self) -> bool {
        self.alerted_us > self.since_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 86_400_000_000;

    fn span(at: usize) -> Span {
        Span { start_us: at as i64 * DAY, end_us: (at as i64 + 1) * DAY }
    }

    /// The windows with a notice, `!` when it is on and `.` when it is over.
    fn story(rule: Rule, verdicts: &str) -> String {
        let mut state = State::default();
        let mut told = String::new();
        for (at, letter) in verdicts.chars().enumerate() {
            let verdict = match letter {
                'b' => Verdict::Drifted,
                'g' => Verdict::Stable,
                _ => Verdict::Undecided,
            };
            let notice;
            (state, notice) = state.after(&rule, span(at), verdict);
            told.push(match notice {
                Some(Notice::Raised) => '!',
                Some(Notice::Cleared) => '.',
                None => ' ',
            });
        }
        told
    }

    #[test]
    fn alarms_begin_and_end_late_and_are_told_once() {
        let rule = |after, clear_after, days| Rule { after, clear_after, cool_down_us: days * DAY };
        for (rule, verdicts, told) in [
            (rule(1, 1, 0), "gbbggb", " ! . !"),
            (rule(2, 1, 0), "bgbbbg", "   ! ."),
            (rule(1, 2, 0), "bgbggb", "!   .!"),
            // Unknown is neither.
            (rule(2, 2, 0), "bubugug", "  !   ."),
            // Silent within four days of the last alert; told on the fifth, because it is still on.
            (rule(1, 1, 4), "bgbbbbg", "!.  ! ."),
            // Over before anybody was told: silent.
            (rule(1, 1, 9), "bgbbg", "!.   "),
        ] {
            assert_eq!(story(rule, verdicts), told, "{rule:?} {verdicts}");
        }
    }

    proptest! {
        #[test]
        fn no_alert_without_cause_none_within_the_cool_down_and_every_alarm_ends(
            (after, clear_after, days) in (1_u32..5, 1_u32..5, 0_i64..8),
            verdicts in prop::collection::vec(prop::sample::select(vec![Verdict::Drifted, Verdict::Stable, Verdict::Undecided]), 0..120),
        ) {
            let rule = Rule { after, clear_after, cool_down_us: days * DAY };
            let mut state = State::default();
            let mut raised_at: Option<i64> = None;
            let mut is_told = false;
            // Since the alarm was last off: the longest run of bad windows; and good windows in a row.
            let (mut run, mut longest, mut good) = (0, 0, 0);
            for (at, verdict) in verdicts.into_iter().enumerate() {
                match verdict {
                    Verdict::Drifted => { run += 1; good = 0; longest = longest.max(run); }
                    Verdict::Stable => { run = 0; good += 1; }
                    Verdict::Undecided => {}
                }
                let window = span(at);
                let notice;
                (state, notice) = state.after(&rule, window, verdict);
                match notice {
                    Some(Notice::Raised) => {
                        prop_assert!(longest >= after, "no {after} bad windows in a row before {at}");
                        prop_assert!(raised_at.is_none_or(|last| window.end_us - last >= rule.cool_down_us));
                        prop_assert!(!is_told, "told twice");
                        prop_assert!(verdict == Verdict::Drifted);
                        (raised_at, is_told) = (Some(window.end_us), true);
                    }
                    Some(Notice::Cleared) => {
                        prop_assert!(is_told && good >= clear_after && !state.is_alarming);
                        is_told = false;
                    }
                    None => {}
                }
                // An alarm is on exactly from enough bad windows to enough good ones, and is told when the cool-down allows it.
                if good >= clear_after {
                    prop_assert!(!state.is_alarming && !is_told);
                }
                if !state.is_alarming && run == 0 {
                    longest = 0;
                }
                if run >= after {
                    prop_assert!(state.is_alarming);
                    let is_cool = raised_at.is_none_or(|last| window.end_us - last >= rule.cool_down_us);
                    prop_assert!(is_told || !is_cool || verdict != Verdict::Drifted);
                }
            }
        }
    }
}
