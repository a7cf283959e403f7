use super::*;

const ANNA: ScopeIds<'_> = ScopeIds {
    user: "1",
    channel: "10",
    guild: Some("100"),
};

fn cooldown(uses: u32, per: u64, scope: CooldownScope) -> Cooldown {
    let per = Duration::from_secs(per);
    Cooldown { uses, per, scope }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(1_000 + seconds)
}

#[test]
fn a_window_slides_over_the_last_uses() {
    let cooldowns = Cooldowns::new();
    let limits = [cooldown(2, 10, CooldownScope::User)];
    let take = |now| cooldowns.take("roll", &ANNA, &limits, at(now)).map(|_| ());
    assert_eq!(take(0), Ok(()));
    assert_eq!(take(4), Ok(()));
    assert_eq!(take(5), Err(Duration::from_secs(5)));
    assert_eq!(take(10), Ok(()));
    assert_eq!(take(11), Err(Duration::from_secs(3)));
}

#[test]
fn several_windows_hold_together_and_a_refusal_takes_nothing() {
    let cooldowns = Cooldowns::new();
    let limits = [
        cooldown(1, 5, CooldownScope::User),
        cooldown(2, 60, CooldownScope::User),
        cooldown(3, 100, CooldownScope::Guild),
    ];
    let bob = ScopeIds { user: "2", ..ANNA };
    let take = |who: &ScopeIds<'_>, now| cooldowns.take("roll", who, &limits, at(now)).map(|_| ());
    assert_eq!(take(&ANNA, 0), Ok(()));
    assert_eq!(take(&ANNA, 1), Err(Duration::from_secs(4)));
    assert_eq!(take(&ANNA, 6), Ok(()));
    assert_eq!(take(&ANNA, 12), Err(Duration::from_secs(48)));
    assert_eq!(take(&bob, 12), Ok(()));
    assert_eq!(take(&bob, 20), Err(Duration::from_secs(80)));
}

#[test]
fn scopes_commands_and_direct_messages_are_apart() {
    let cooldowns = Cooldowns::new();
    let take = |command, ids: &ScopeIds<'_>, scope| {
        cooldowns
            .take(command, ids, &[cooldown(1, 9, scope)], at(0))
            .is_ok()
    };
    let bob = ScopeIds { user: "2", ..ANNA };
    let elsewhere = ScopeIds {
        guild: Some("200"),
        channel: "20",
        ..ANNA
    };
    assert!(take("a", &ANNA, CooldownScope::Member));
    assert!(take("a", &elsewhere, CooldownScope::Member));
    assert!(take(
        "a",
        &ScopeIds {
            guild: None,
            ..ANNA
        },
        CooldownScope::Member
    ));
    assert!(!take("a", &ANNA, CooldownScope::Member));
    assert!(take("b", &ANNA, CooldownScope::Member));
    assert!(take("a", &ANNA, CooldownScope::Channel));
    assert!(!take("a", &bob, CooldownScope::Channel));
    assert!(take("a", &bob, CooldownScope::Global));
    assert!(!take("a", &elsewhere, CooldownScope::Global));
}

#[test]
fn a_refund_gives_the_use_back() {
    let cooldowns = Cooldowns::new();
    let limits = [
        cooldown(1, 60, CooldownScope::User),
        cooldown(5, 90, CooldownScope::Guild),
    ];
    let taken = cooldowns.take("daily", &ANNA, &limits, at(0)).unwrap();
    assert!(cooldowns.take("daily", &ANNA, &limits, at(1)).is_err());
    cooldowns.refund(taken);
    assert!(cooldowns.lock().by_key.is_empty());
    assert!(cooldowns.take("daily", &ANNA, &limits, at(1)).is_ok());
}

#[test]
fn an_edited_cooldown_counts_what_was_used_before() {
    let cooldowns = Cooldowns::new();
    let before = [cooldown(3, 10, CooldownScope::User)];
    cooldowns
        .take("roll", &ANNA, &before, at(0))
        .map(|_| ())
        .unwrap();
    let after = [cooldown(1, 30, CooldownScope::User)];
    let refused = cooldowns.take("roll", &ANNA, &after, at(12)).map(|_| ());
    assert_eq!(refused, Err(Duration::from_secs(18)));
}

#[test]
fn a_clock_set_back_locks_nobody_out() {
    let cooldowns = Cooldowns::new();
    let limits = [cooldown(1, 10, CooldownScope::User)];
    cooldowns
        .take("roll", &ANNA, &limits, at(500))
        .map(|_| ())
        .unwrap();
    assert!(cooldowns.take("roll", &ANNA, &limits, at(0)).is_ok());
}

#[test]
fn memory_stays_bounded() {
    let cooldowns = Cooldowns::with_capacity(2_000);
    for user in 0..20_000_u64 {
        let name = user.to_string();
        let ids = ScopeIds {
            user: &name,
            ..ANNA
        };
        let limits = [cooldown(1, 86_400, CooldownScope::User)];
        cooldowns
            .take("daily", &ids, &limits, at(user))
            .map(|_| ())
            .unwrap();
        assert!(cooldowns.lock().by_key.len() <= 2_000);
    }
    // The latest are still held to their cooldown; those that are long over are swept.
    let latest = ScopeIds {
        user: "19999",
        ..ANNA
    };
    let limits = [cooldown(1, 86_400, CooldownScope::User)];
    assert!(
        cooldowns
            .take("daily", &latest, &limits, at(20_000))
            .is_err()
    );
    assert!(cooldowns.take("daily", &ANNA, &limits, at(900_000)).is_ok());
}
