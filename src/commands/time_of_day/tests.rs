use super::*;

/// 2024-02-29 12:00:00 UTC, a Thursday.
const NOW: u64 = 1_709_208_000;

fn shown(text: &str, zone: &TimeZone) -> Option<String> {
    let moment = day_and_clock(text, Duration::from_secs(NOW), zone)?;
    Some(zone.to_datetime(moment).strftime("%m-%d %H:%M").to_string())
}

#[test]
fn days_and_times_of_day_may_be_words() {
    let cases = [
        ("12:01", "02-29 12:01"),
        ("12:00", "03-01 12:00"),
        ("9am", "03-01 09:00"),
        ("9 AM", "03-01 09:00"),
        ("9 p.m.", "02-29 21:00"),
        ("6:30 pm", "02-29 18:30"),
        ("6.30 pm", "02-29 18:30"),
        ("12 am", "03-01 00:00"),
        ("12pm", "03-01 12:00"),
        ("at 18", "02-29 18:00"),
        ("jam 18.30", "02-29 18:30"),
        ("pukul 9", "03-01 09:00"),
        ("jam 6 sore", "02-29 18:00"),
        ("jam 7 malam", "02-29 19:00"),
        ("jam 1 malam", "03-01 01:00"),
        ("jam 12 siang", "03-01 12:00"),
        ("jam 1 siang", "02-29 13:00"),
        ("18:00 sore", "02-29 18:00"),
        ("18:00 UTC", "02-29 18:00"),
        ("20:00 WIB", "02-29 13:00"),
        ("18:00,", "02-29 18:00"),
        ("18:00:", "02-29 18:00"),
        ("tomorrow", "03-01 00:00"),
        ("tomorrow at 9", "03-01 09:00"),
        ("Tomorrow 9:00", "03-01 09:00"),
        ("tomorrow @9", "03-01 09:00"),
        ("tomorrow, 9 pm", "03-01 21:00"),
        ("9:00 tomorrow", "03-01 09:00"),
        ("today at 9", "02-29 09:00"),
        ("besok jam 9", "03-01 09:00"),
        ("besok jam9", "03-01 09:00"),
        ("lusa 09.00", "03-02 09:00"),
        ("hari ini jam 18", "02-29 18:00"),
        ("monday 9:00", "03-04 09:00"),
        ("on Monday at 9", "03-04 09:00"),
        ("hari senin", "03-04 00:00"),
        ("thursday 13:00", "02-29 13:00"),
        ("thursday 11:00", "03-07 11:00"),
        ("kamis", "03-07 00:00"),
        ("2024-12-01", "12-01 00:00"),
        ("2024-12-01 9:00", "12-01 09:00"),
        ("2024-12-01 at 9", "12-01 09:00"),
        ("2024-12-01, 09.00", "12-01 09:00"),
        ("2024-12-01 9pm", "12-01 21:00"),
        ("9:00 on 2024-12-01", "12-01 09:00"),
    ];
    for (text, moment) in cases {
        assert_eq!(
            shown(text, &TimeZone::UTC).as_deref(),
            Some(moment),
            "{text}"
        );
        assert!(!is_unclear(text), "{text}");
    }
    let jakarta = TimeZone::get("Asia/Jakarta").unwrap();
    assert_eq!(shown("18:00 UTC", &jakarta).as_deref(), Some("03-01 01:00"));
    assert_eq!(shown("20:00 WIB", &jakarta).as_deref(), Some("02-29 20:00"));
    for text in [
        "",
        "9",
        "18.30",
        "today",
        "at",
        "at noon",
        "13 pm",
        "0 am",
        "25:00",
        "9:0",
        "9:000",
        "1:2:3:4",
        "é",
        "tomorrow 9",
        "tomorrow tomorrow",
        "9:00 10:00",
        "monday tea",
        "2024-02-30 9:00",
        "2024-12-019:00",
    ] {
        assert_eq!(shown(text, &TimeZone::UTC), None, "{text}");
    }
}

#[test]
fn what_says_more_than_is_understood_is_unclear() {
    for text in [
        "18:00 PST",
        "18:00 +07:00",
        "18:00 am",
        "6:00 in the evening",
        "6:00 tonight",
        "tomorrow 9",
        "tomorrow evening",
        "monday next week",
        "2024-12-01 25:00",
        "2024-12-01 9",
        "9:00 10:00",
        "senin depan",
    ] {
        assert!(is_unclear(text), "{text}");
    }
    for text in [
        "",
        "18:00",
        "18:00 tea",
        "18:00 in the park",
        "18:00 night shift",
        "18:00 night",
        "9 am morning",
        "tomorrow tea",
        "monday 9:00 5",
        "tea 9:00",
    ] {
        assert!(!is_unclear(text), "{text}");
    }
}
