//! What follows the end of a connection: whether the session is kept, and how long the shard waits.

use crate::backoff::{exponential, random_milliseconds, with_jitter};
use std::time::Duration;

/// A connection that was ready for this long counts as a good one.
pub(super) const GOOD: Duration = Duration::from_secs(5);

/// The first pause of those that grow.
const FIRST: Duration = Duration::from_secs(1);

/// The longest pause before another attempt at a server that refuses.
const MAXIMUM: Duration = Duration::from_secs(60);

/// The longest pause while there is no connection at all: an outage of the network is over for the bot that soon
/// after it is over for others, however long it lasted. An attempt then costs the server nothing.
const MAXIMUM_UNREACHABLE: Duration = Duration::from_secs(5);

/// The longest pause before another attempt at a server that does not get as far as its greeting, as while what stands
/// before it answers that it is away. Such an attempt uses up no session.
const MAXIMUM_AWAY: Duration = Duration::from_secs(15);

/// As many connections in a row may end early, though they were ready, before there are pauses.
const QUICK: u32 = 3;

/// As many refusals of a session (op 9) in a row are followed by the short pause that Discord asks for.
const SHORT_REFUSALS: u32 = 2;

/// After so many attempts in a row that the server ended before the session was resumed, a new one is opened.
const MOST_RESUMES: u32 = 3;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// No connection came about: there is no network, or nobody listens.
    Unreachable,
    /// What stands before the server says that there were too many attempts (HTTP status 429).
    Limited,
    /// It is gone without a word.
    Lost,
    /// The server has not answered in time after the bot had said who it is.
    Silent,
    /// The server asked for a new one (op 7).
    Reconnect,
    /// The server refused the session, or ended it (op 9).
    Invalid { resumable: bool },
    /// The server closed it with this code, 1005 for none.
    Closed(u16),
}

/// How far the connection had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The server had not said hello.
    Nowhere,
    /// The server had said hello, and no session was open.
    Greeted,
    /// The session was open, for less than [`GOOD`].
    Briefly,
    /// The session was open for at least [`GOOD`].
    Long,
}

/// What kind of pause there is before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// None.
    None,
    /// None for the first few in a row, then a growing one.
    Quick,
    /// The random one of 1 to 5 s that Discord asks for before a new session; after some in a row a growing one.
    Random,
    /// One that grows to [`MAXIMUM_UNREACHABLE`].
    Network,
    /// One that grows to [`MAXIMUM_AWAY`].
    Away,
    /// One that grows to [`MAXIMUM`].
    Growing,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    /// Whether the session is resumed; if not, a new one is opened.
    pub(super) resumes: bool,
    pub(super) pause: Pause,
}

/// What follows the end of a connection. `holds` says whether there is a session that could be resumed, and `refused`
/// how many attempts to resume it the server has ended in a row, this one left out.
///
/// Codes that no new attempt can fix are left out, see [`super::error::fatal`].
pub(super) fn next(ending: Ending, holds: bool, came: Came, refused: u32) -> Next {
    Next {
        resumes: holds && !ends_session(ending) && !gives_up(ending, came, refused),
        pause: pause(ending, holds, came),
    }
}

/// Whether the server says that there is nothing to resume: not authenticated (any more), invalid sequence, session
/// timed out.
fn ends_session(ending: Ending) -> bool {
    matches!(
        ending,
        Ending::Invalid { resumable: false } | Ending::Closed(4003 | 4007 | 4009)
    )
}

/// Whether an ended connection counts as a refused attempt to resume.
pub(super) fn refuses_resume(ending: Ending, came: Came) -> bool {
    let refuses = matches!(
        ending,
        Ending::Invalid { .. } | Ending::Closed(_) | Ending::Silent
    );
    refuses && came == Came::Greeted
}

fn gives_up(ending: Ending, came: Came, refused: u32) -> bool {
    refuses_resume(ending, came) && refused.saturating_add(1) >= MOST_RESUMES
}

fn pause(ending: Ending, holds: bool, came: Came) -> Pause {
    match (ending, came) {
        (Ending::Unreachable, _) => Pause::Network,
        (Ending::Limited, _) => Pause::Growing,
        // Code 4008: the bot has sent too much.
        (Ending::Invalid { .. } | Ending::Closed(4008), _) => Pause::Random,
        (_, Came::Long) => Pause::None,
        (_, Came::Briefly) | (Ending::Reconnect, Came::Greeted) => Pause::Quick,
        // A session that ended while the bot was away is nothing to pause for.
        (ending, Came::Greeted) if holds && ends_session(ending) => Pause::Quick,
        (_, Came::Greeted) => Pause::Growing,
        (_, Came::Nowhere) => Pause::Away,
    }
}

/// Counts what ended badly in a row. Each kind of trouble has its own count: an outage, of the network or of the server,
/// makes no pause longer that follows when it is over.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    quick: u32,
    refused: u32,
    away: u32,
    unreachable: u32,
    invalid: u32,
}

impl Backoff {
    /// The time to wait. Pauses that grow are 1, 2, 4, … s, a quarter more or less, and start again after a good
    /// connection.
    pub(super) fn after(&mut self, pause: Pause, came: Came) -> Duration {
        if came == Came::Long {
            *self = Self::default();
        }
        if came != Came::Nowhere {
            self.unreachable = 0;
            self.away = 0;
        }
        match pause {
            Pause::None => Duration::ZERO,
            Pause::Quick => growing(count(&mut self.quick), QUICK, MAXIMUM),
            Pause::Random => {
                let grown = growing(count(&mut self.invalid), SHORT_REFUSALS, MAXIMUM);
                random_milliseconds(1_000, 5_000).max(grown)
            }
            Pause::Network => growing(count(&mut self.unreachable), 0, MAXIMUM_UNREACHABLE),
            Pause::Away => growing(count(&mut self.away), 0, MAXIMUM_AWAY),
            Pause::Growing => growing(count(&mut self.refused), 0, MAXIMUM),
        }
    }
}

fn count(counted: &mut u32) -> u32 {
    *counted = counted.saturating_add(1);
    *counted
}

/// No pause for the first `free` times, then one of 1, 2, 4, … s up to `maximum`, with jitter for the sake of many shards.
fn growing(times: u32, free: u32, maximum: Duration) -> Duration {
    let Some(before) = times.checked_sub(free + 1) else {
        return Duration::ZERO;
    };
    with_jitter(exponential(FIRST, before, maximum), maximum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Came::{Briefly, Greeted, Long, Nowhere};
    use Ending::{Closed, Invalid, Limited, Lost, Reconnect, Silent, Unreachable};

    const ALL: [Came; 4] = [Nowhere, Greeted, Briefly, Long];

    /// For each reason: whether a held session is kept, and the pause after a connection that came nowhere, was
    /// greeted (with a session to resume, and without), was ready briefly, and for long.
    const TABLE: [(Ending, bool, [Pause; 5]); 20] = {
        use Pause::{Away, Growing, Network, None, Quick, Random};
        let usual = [Away, Growing, Growing, Quick, None];
        let ended = [Away, Quick, Growing, Quick, None];
        [
            (Unreachable, true, [Network; 5]),
            (Limited, true, [Growing; 5]),
            (Lost, true, usual),
            (Silent, true, usual),
            (Reconnect, true, [Away, Quick, Quick, Quick, None]),
            (Invalid { resumable: true }, true, [Random; 5]),
            (Invalid { resumable: false }, false, [Random; 5]),
            (Closed(1000), true, usual),
            (Closed(1001), true, usual),
            (Closed(1005), true, usual),
            (Closed(1006), true, usual),
            (Closed(1011), true, usual),
            (Closed(1012), true, usual),
            (Closed(4000), true, usual),
            (Closed(4002), true, usual),
            (Closed(4005), true, usual),
            (Closed(4008), true, [Random; 5]),
            (Closed(4003), false, ended),
            (Closed(4007), false, ended),
            (Closed(4009), false, ended),
        ]
    };

    #[test]
    fn every_end_of_a_connection_has_its_consequence() {
        for (ending, keeps, [nowhere, resuming, identifying, briefly, long]) in TABLE {
            for came in ALL {
                for holds in [true, false] {
                    let pause = match came {
                        Nowhere => nowhere,
                        Greeted if holds => resuming,
                        Greeted => identifying,
                        Briefly => briefly,
                        Long => long,
                    };
                    let resumes = holds && keeps;
                    let expected = Next { resumes, pause };
                    let case = format!("{ending:?}, {came:?}, holds: {holds}");
                    assert_eq!(next(ending, holds, came, 0), expected, "{case}");
                }
            }
        }
    }

    #[test]
    fn a_session_that_the_server_refuses_again_and_again_is_given_up() {
        for (ending, kept, ..) in TABLE {
            let said = matches!(ending, Closed(_) | Invalid { .. } | Silent);
            for came in ALL {
                let gives_up = said && came == Greeted;
                let now = next(ending, true, came, MOST_RESUMES - 1).resumes;
                assert_eq!(now, kept && !gives_up, "{ending:?} {came:?}");
                assert_eq!(next(ending, true, came, MOST_RESUMES - 2).resumes, kept);
            }
        }
    }

    fn within(pause: Duration, near: f64, longest: f64) {
        let pause = pause.as_secs_f64();
        let (least, most) = (near.min(longest) * 0.75, (near * 1.25).min(longest));
        assert!(
            (least..=most).contains(&pause),
            "{pause} is not near {near}"
        );
    }

    #[test]
    fn pauses_grow_to_their_longest_and_end_with_a_good_connection() {
        let longest = [
            (Pause::Growing, 60.0),
            (Pause::Network, 5.0),
            (Pause::Away, 15.0),
        ];
        for (pause, longest) in longest {
            let mut backoff = Backoff::default();
            for _ in 0..2 {
                let mut near = 1.0;
                for _ in 0..40 {
                    within(backoff.after(pause, Nowhere), near, longest);
                    near = f64::min(near * 2.0, 64.0);
                }
                assert_eq!(backoff.after(Pause::None, Long), Duration::ZERO);
            }
            for _ in 0..QUICK {
                assert_eq!(backoff.after(Pause::Quick, Briefly), Duration::ZERO);
            }
            within(backoff.after(Pause::Quick, Briefly), 1.0, 60.0);
        }
    }

    #[test]
    fn a_refused_session_has_a_short_random_pause_and_repeated_refusals_growing_ones() {
        for before in [Pause::Network, Pause::Away, Pause::Growing] {
            let mut backoff = Backoff::default();
            for _ in 0..20 {
                backoff.after(before, Nowhere);
            }
            let second = Duration::from_secs(1);
            for _ in 0..SHORT_REFUSALS {
                let pause = backoff.after(Pause::Random, Greeted);
                assert!((second..=second * 5).contains(&pause), "{pause:?}");
            }
            let pauses = [(); 20].map(|()| backoff.after(Pause::Random, Greeted));
            assert!(pauses.iter().all(|pause| *pause >= second));
            assert!(pauses[19] >= second * 45 && pauses[19] <= MAXIMUM);
        }
    }

    #[test]
    fn an_outage_makes_no_later_pause_longer() {
        for outage in [Pause::Network, Pause::Away] {
            let mut backoff = Backoff::default();
            for _ in 0..100 {
                assert!(backoff.after(outage, Nowhere) <= MAXIMUM_AWAY);
            }
            for came in [Greeted, Briefly] {
                assert_eq!(backoff.after(Pause::Quick, came), Duration::ZERO);
            }
            within(backoff.after(Pause::Growing, Greeted), 1.0, 60.0);
            // A server that answers and goes away again is a new outage.
            within(backoff.after(outage, Nowhere), 1.0, 5.0);
        }
    }
}
