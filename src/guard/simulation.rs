//! Tries the rule on busy cogs: how often reloads that change nothing raise an alarm, and how soon a handler is found
//! that a reload has broken.
//!
//! Each cog has several handlers, which differ by a factor of a thousand in how often they are called, at random or in
//! bursts, and fail by themselves in 0 to 10 of 100 calls. Some ask a server that is out of order now and then, for some
//! minutes, and nearly all calls fail then. Use goes up and down by a factor of four within a day. Some cogs meet a limit
//! from time to time. The cogs are reloaded once an hour on average, and sometimes several times within minutes.
//!
//! `COGSMITH_LONG_TESTS=1 cargo test --lib guard::simulation -- --nocapture` prints the numbers of docs/reload.md.

use super::handler::HandlerKind;
use super::record::{Outcome, Record};
use super::rule::{Finding, LimitSet, WATCHED_CALLS};
use std::collections::BTreeMap;
use std::time::Duration;

const HOUR: f64 = 3_600.0;
const DAY: f64 = 24.0 * HOUR;

/// Numbers that are the same each time (xorshift64*).
struct Dice(u64);

impl Dice {
    /// Within 0 and 1.
    #[allow(clippy::cast_precision_loss, reason = "53 bits are what fits")]
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        bits as f64 / (1u64 << 53) as f64
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a few things to choose from"
        )]
        let place = (self.next() * all.len() as f64) as usize;
        all[place.min(all.len() - 1)]
    }

    /// The time to the next one of what comes at random, so many times within a second.
    fn pause(&mut self, rate: f64) -> f64 {
        -(1.0 - self.next()).ln() / rate
    }
}

/// Something that is on for a while, then off for a while.
struct Spells {
    on: f64,
    off: f64,
    is_on: bool,
    until: f64,
}

impl Spells {
    fn new(on: f64, off: f64) -> Self {
        Self {
            on,
            off,
            is_on: false,
            until: 0.0,
        }
    }

    fn at(&mut self, now: f64, dice: &mut Dice) -> bool {
        while self.until <= now {
            self.is_on = !self.is_on;
            let mean = if self.is_on { self.on } else { self.off };
            self.until += dice.pause(1.0 / mean);
        }
        self.is_on
    }
}

struct SimulatedHandler {
    name: String,
    /// Calls within a second, on average.
    rate: f64,
    /// Whether they come in bursts of half a minute, in each ten minutes.
    bursts: Option<Spells>,
    failing: f64,
    /// Whether it asks the server that is out of order at times.
    asks_server: bool,
    next: f64,
    /// How many of its calls fail since a reload has broken it.
    broken: Option<Broken>,
}

#[derive(Clone, Copy)]
struct Broken {
    failing: f64,
    since: f64,
    calls: u32,
}

/// Alarms, by what raised them.
#[derive(Debug, Default)]
struct Found {
    reloads: u32,
    alarms: BTreeMap<&'static str, u32>,
    /// Of handlers that a reload broke: after how many of their calls, and seconds, they were found.
    detected: Vec<(u32, f64)>,
    missed: u32,
}

impl Found {
    fn all(&self) -> u32 {
        self.alarms.values().sum()
    }

    fn per_thousand(&self) -> f64 {
        1_000.0 * f64::from(self.all()) / f64::from(self.reloads)
    }

    fn add(&mut self, other: Self) {
        self.reloads += other.reloads;
        for (why, count) in other.alarms {
            *self.alarms.entry(why).or_default() += count;
        }
        self.detected.extend(other.detected);
        self.missed += other.missed;
    }

    fn share_found(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
        let (found, all) = (
            self.detected.len() as f64,
            self.detected.len() as f64 + f64::from(self.missed),
        );
        100.0 * found / all.max(1.0)
    }

    fn median_calls(&self) -> u32 {
        let mut calls: Vec<u32> = self.detected.iter().map(|(calls, _)| *calls).collect();
        calls.sort_unstable();
        calls.get(calls.len() / 2).copied().unwrap_or_default()
    }
}

/// How the handlers of a cog are.
#[derive(Clone, Copy)]
struct Noise {
    failing: &'static [f64],
    has_outages: bool,
    meets_limits: bool,
}

/// What reloads do to a cog.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Nothing,
    /// One handler fails in so many of its calls from then on, in every second reload; the next one mends it.
    Breaks(f64),
}

fn handlers(noise: Noise, dice: &mut Dice) -> Vec<SimulatedHandler> {
    let count = dice.one_of(&[2, 4, 8, 16]);
    let handler = |number: usize| {
        // From one in half an hour to one in two seconds.
        let per_minute = dice.one_of(&[0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]);
        let bursts = (dice.next() < 0.4).then(|| Spells::new(30.0, 570.0));
        SimulatedHandler {
            name: number.to_string(),
            rate: per_minute / 60.0,
            bursts,
            failing: dice.one_of(noise.failing),
            asks_server: noise.has_outages && dice.next() < 0.3,
            next: 0.0,
            broken: None,
        }
    };
    (0..count).map(handler).collect()
}

struct World<'a> {
    record: Record,
    now: f64,
    handlers: Vec<SimulatedHandler>,
    /// The server is out of order for three minutes, twice a day.
    outage: Spells,
    /// The time of the next meeting of each limit, and how often it is met within a second.
    limits: Vec<(f64, f64)>,
    dice: &'a mut Dice,
    found: Found,
    /// Whether there was an alarm about the version that runs.
    alarmed: bool,
}

/// The limits of use: the lower two of three.
const OF_USE: LimitSet = LimitSet(0b011);

impl World<'_> {
    fn since_epoch(&self) -> Duration {
        Duration::from_secs_f64(1e6 + self.now)
    }

    /// How much the cogs are used at this hour: four times as much in the evening as at night.
    fn use_now(&self) -> f64 {
        let hour = (self.now / DAY * std::f64::consts::TAU).sin();
        1.0 + 0.6 * hour
    }

    fn run_until(&mut self, end: f64) {
        loop {
            let next = self.handlers.iter().enumerate();
            let next = next.min_by(|(_, one), (_, other)| one.next.total_cmp(&other.next));
            let Some((number, at)) = next.map(|(number, it)| (number, it.next)) else {
                return;
            };
            let limit = self.limits.iter().enumerate();
            let limit = limit.min_by(|(_, one), (_, other)| one.0.total_cmp(&other.0));
            let limit = limit.map(|(number, it)| (number, *it));
            if let Some((limit, (when, rate))) = limit.filter(|(_, it)| it.0 < at && it.0 < end) {
                self.now = self.now.max(when);
                self.meet(limit);
                self.limits[limit].0 = when + self.dice.pause(rate);
                continue;
            }
            if at >= end {
                self.now = end;
                return;
            }
            self.now = self.now.max(at);
            self.call(number);
        }
    }

    fn meet(&mut self, limit: usize) {
        let now = self.since_epoch();
        let alarm = self.record.met(now, (limit, "limit"), OF_USE, || None);
        self.note(alarm.map(|alarm| alarm.finding), None);
    }

    fn call(&mut self, number: usize) {
        let hour = self.use_now();
        let is_out = self.outage.at(self.now, self.dice);
        let handler = &mut self.handlers[number];
        let is_burst = handler.bursts.as_mut();
        let is_burst = is_burst.map(|spells| spells.at(self.now, self.dice));
        // All of its calls come within the bursts, which are a twentieth of the time.
        let rate = match is_burst {
            Some(true) => handler.rate * 19.0,
            Some(false) => handler.rate * 0.05,
            None => handler.rate,
        };
        handler.next = self.now + self.dice.pause(rate * hour);
        let failing = match handler.broken.as_mut() {
            Some(broken) => {
                broken.calls += 1;
                broken.failing
            }
            None if is_out && handler.asks_server => 0.9,
            None => handler.failing,
        };
        let is_failure = self.dice.next() < failing;
        let broken = handler.broken;
        let outcome = if is_failure {
            Outcome::Failed {
                refused: None,
                error: &String::new,
            }
        } else {
            Outcome::Done
        };
        let now = Duration::from_secs_f64(1e6 + self.now);
        self.record.ran(now);
        let of_cog = is_failure.then(|| self.record.failed(now, &outcome));
        let name = (HandlerKind::Event, handler.name.as_str());
        let of_handler = self.record.handled(now, name, &outcome);
        let alarm = of_cog.flatten().or(of_handler);
        self.note(alarm.map(|alarm| alarm.finding), broken);
    }

    fn note(&mut self, finding: Option<Finding>, broken: Option<Broken>) {
        let Some(finding) = finding else {
            return;
        };
        self.alarmed = true;
        let why = match finding {
            Finding::Handler(_) => "handler",
            Finding::Failures(_) => "failures",
            Finding::Limits(_) => "limit",
        };
        match broken {
            Some(broken) => {
                let seconds = self.now - broken.since;
                self.found.detected.push((broken.calls, seconds));
            }
            None => *self.found.alarms.entry(why).or_default() += 1,
        }
    }
}

/// One cog for so many reloads.
fn run(noise: Noise, change: Change, reloads: u32, dice: &mut Dice) -> Found {
    let handlers = handlers(noise, dice);
    let rates: &[f64] = if noise.meets_limits {
        &[1.0 / HOUR, 1.0 / DAY, 0.2 / DAY]
    } else {
        &[]
    };
    let limits = rates.iter().map(|rate| (dice.pause(*rate), *rate));
    let limits = limits.collect();
    let mut world = World {
        record: Record::default(),
        now: 0.0,
        handlers,
        outage: Spells::new(180.0, DAY / 2.0),
        limits,
        dice,
        found: Found::default(),
        alarmed: false,
    };
    let mut text = 1;
    world.record.begin(world.since_epoch(), text);
    // The bot has run for some time.
    world.run_until(HOUR);
    for reload in 0..reloads {
        text += 1;
        world.alarmed = false;
        let now = world.since_epoch();
        world.record.begin(now, text);
        world.found.reloads += 1;
        if let Change::Breaks(failing) = change {
            let breaks = reload % 2 == 0;
            let (since, number) = (world.now, world.dice.next());
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "sixteen at most"
            )]
            let number = (number * world.handlers.len() as f64) as usize;
            for (place, handler) in world.handlers.iter_mut().enumerate() {
                handler.broken = (breaks && place == number).then_some(Broken {
                    failing,
                    since,
                    calls: 0,
                });
            }
        }
        // Somebody who is at work saves several times.
        let mean = if world.dice.next() < 0.3 { 120.0 } else { HOUR };
        let pause = world
            .dice
            .pause(1.0 / mean)
            .min(WATCHED_CALLS.as_secs_f64());
        let end = world.now + pause;
        world.run_until(end);
        let broken = world.handlers.iter().find_map(|it| it.broken);
        // It was called often enough to be found.
        if broken.is_some_and(|it| it.calls >= 5) && !world.alarmed {
            world.found.missed += 1;
        }
    }
    world.found
}

fn simulate(noise: Noise, change: Change) -> Found {
    let is_long = std::env::var_os("COGSMITH_LONG_TESTS").is_some();
    let cogs = if is_long { 400 } else { 8 };
    let mut dice = Dice(0x00C0_65A1_7400_0001);
    let mut found = Found::default();
    for _ in 0..cogs {
        found.add(run(noise, change, 50, &mut dice));
    }
    found
}

#[allow(clippy::print_stdout, reason = "the numbers of the documents")]
fn told(what: &str, found: &Found) {
    println!(
        "{what}: {:.2} alarms per 1,000 of {} reloads {:?}; found {:.0} % of {}, half of them after {} calls",
        found.per_thousand(),
        found.reloads,
        found.alarms,
        found.share_found(),
        found.detected.len() + usize::try_from(found.missed).unwrap_or_default(),
        found.median_calls(),
    );
}

const QUIET: Noise = Noise {
    failing: &[0.0],
    has_outages: false,
    meets_limits: false,
};

#[test]
fn reloads_that_change_nothing_raise_hardly_an_alarm() {
    let table: &[(&str, Noise, f64)] = &[
        ("no failures", QUIET, 0.0),
        (
            "1 % fail",
            Noise {
                failing: &[0.01],
                ..QUIET
            },
            1.0,
        ),
        (
            "0 to 10 % fail",
            Noise {
                failing: &[0.0, 0.001, 0.01, 0.05, 0.1],
                ..QUIET
            },
            2.0,
        ),
        (
            "10 % fail",
            Noise {
                failing: &[0.1],
                ..QUIET
            },
            5.0,
        ),
        (
            "0 to 10 % fail, with outages",
            Noise {
                failing: &[0.0, 0.001, 0.01, 0.05, 0.1],
                has_outages: true,
                meets_limits: false,
            },
            5.0,
        ),
        (
            "limits are met",
            Noise {
                failing: &[0.0],
                has_outages: false,
                meets_limits: true,
            },
            8.0,
        ),
    ];
    for (what, noise, most) in table {
        let found = simulate(*noise, Change::Nothing);
        told(what, &found);
        assert!(found.per_thousand() <= *most, "{what}: {found:?}");
    }
}

#[test]
fn a_handler_that_a_reload_breaks_is_found() {
    let noisy = Noise {
        failing: &[0.0, 0.001, 0.01, 0.05, 0.1],
        ..QUIET
    };
    let table = [
        (1.0, QUIET, 90.0),
        (0.8, QUIET, 85.0),
        (0.5, QUIET, 60.0),
        (1.0, noisy, 60.0),
        (0.8, noisy, 50.0),
        (0.5, noisy, 25.0),
    ];
    for (failing, noise, least) in table {
        let found = simulate(noise, Change::Breaks(failing));
        told(
            &format!(
                "{failing} of the calls of one handler, beside {:?}",
                noise.failing
            ),
            &found,
        );
        assert!(found.share_found() >= least, "{found:?}");
        assert!(found.median_calls() <= 5, "{found:?}");
    }
}
