//! Polls of messages.

use crate::sim::ids::{Id, timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long a poll is open that does not say so, in hours.
const HOURS: u64 = 24;

/// A poll, and who has voted for what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Poll {
    question: Value,
    answers: Vec<Answer>,
    pub(crate) takes_several: bool,
    layout: u64,
    /// When it ends by itself.
    pub(crate) expiry: Duration,
    /// Whether the votes have been counted for good.
    pub(crate) is_over: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Answer {
    id: u64,
    media: Value,
    voters: Vec<Id>,
}

impl Poll {
    /// The poll of a message's body, which has been checked.
    pub(crate) fn read(body: &Value, now: Duration) -> Option<Self> {
        let poll = body.get("poll").filter(|poll| poll.is_object())?;
        let hours = poll["duration"].as_u64().unwrap_or(HOURS);
        let answers = poll["answers"].as_array().into_iter().flatten();
        Some(Self {
            question: media(&poll["question"]),
            answers: (1..)
                .zip(answers)
                .map(|(id, answer)| Answer {
                    id,
                    media: media(&answer["poll_media"]),
                    voters: Vec::new(),
                })
                .collect(),
            takes_several: poll["allow_multiselect"] == true,
            layout: poll["layout_type"].as_u64().unwrap_or(1),
            expiry: now + Duration::from_secs(hours.saturating_mul(3_600)),
            is_over: false,
        })
    }

    /// The poll as Discord shows it to `viewer`.
    pub(crate) fn show(&self, viewer: Id) -> Value {
        let answers = self.answers.iter();
        let shown = answers
            .clone()
            .map(|answer| json!({"answer_id": answer.id, "poll_media": answer.media}));
        let counts = answers
            .filter(|answer| !answer.voters.is_empty())
            .map(|answer| {
                json!({
                    "id": answer.id, "count": answer.voters.len(),
                    "me_voted": answer.voters.contains(&viewer),
                })
            });
        json!({
            "question": self.question,
            "answers": shown.collect::<Vec<_>>(),
            "expiry": timestamp(self.expiry),
            "allow_multiselect": self.takes_several,
            "layout_type": self.layout,
            "results": {"answer_counts": counts.collect::<Vec<_>>(), "is_finalized": self.is_over},
        })
    }

    /// Who voted for an answer; nothing for one that is not there.
    pub(crate) fn voters(&self, answer: u64) -> Option<&[Id]> {
        let mut answers = self.answers.iter();
        let found = answers.find(|one| one.id == answer)?;
        Some(&found.voters)
    }

    /// Makes these answers the votes of `user`: which were added, and which taken away.
    pub(crate) fn vote(&mut self, user: Id, chosen: &[u64]) -> (Vec<u64>, Vec<u64>) {
        let (mut added, mut taken) = (Vec::new(), Vec::new());
        for answer in &mut self.answers {
            let had = answer.voters.contains(&user);
            let has = chosen.contains(&answer.id);
            if has && !had {
                answer.voters.push(user);
                added.push(answer.id);
            } else if had && !has {
                answer.voters.retain(|voter| *voter != user);
                taken.push(answer.id);
            }
        }
        (added, taken)
    }

    /// The fields of the embed that tells the result: without a victor where two are equal.
    pub(crate) fn result(&self) -> Value {
        let votes = |answer: &&Answer| answer.voters.len();
        let total: usize = self.answers.iter().map(|answer| answer.voters.len()).sum();
        let most = self.answers.iter().map(|answer| votes(&answer)).max();
        let mut best = self
            .answers
            .iter()
            .filter(|answer| Some(votes(answer)) == most && total > 0);
        let victor = best.next().filter(|_| best.next().is_none());
        let mut fields = vec![
            ("poll_question_text", text_of(&self.question)),
            ("total_votes", total.to_string()),
            ("victor_answer_votes", most.unwrap_or_default().to_string()),
        ];
        if let Some(victor) = victor {
            fields.push(("victor_answer_id", victor.id.to_string()));
            fields.push(("victor_answer_text", text_of(&victor.media)));
        }
        let fields = fields
            .into_iter()
            .map(|(name, value)| json!({"name": name, "value": value, "inline": false}));
        fields.collect()
    }
}

/// A text and an emoji, as Discord gives them back: what is absent is left out.
fn media(given: &Value) -> Value {
    let fields = given.as_object().cloned().unwrap_or_default();
    let shown = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(shown.collect::<Map<_, _>>())
}

fn text_of(media: &Value) -> String {
    media["text"].as_str().unwrap_or_default().to_owned()
}
