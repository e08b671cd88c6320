//! The consumer and the cron trigger.

use std::time::Duration;

use pagesrun::queues::{Batch, Message};
use pagesrun::{time, Context, Env, Error, Result, ScheduledEvent};

use crate::text::shown;

/// Where the consumer and the cron trigger write down what came.
const SEEN: &str = "SEEN";

fn record(env: &Env, key: &str, value: &str) {
    if let Err(e) = env.kv(SEEN).put(key, value) {
        pagesrun::error!("{}", e);
    }
}

/// Has the event fail after the handler has returned.
fn fail_later(ctx: &Context) {
    ctx.wait_until(|| Err(Error::other("late failure")));
}

/// Writes a tick down and then does what the expression says where it is none.
pub fn tick(e: ScheduledEvent, env: &Env, ctx: &Context) -> Result<()> {
    record(env, &format!("tick/{}", e.cron), &format!("due={}", e.scheduled_time_ms));
    match e.cron.as_str() {
        "throw" => return Err(Error::other("thrown by the tick")),
        "trap" => panic!("trap was asked for"),
        "late" => fail_later(ctx),
        _ => {}
    }
    Ok(())
}

/// Writes the batch down and obeys it.
pub fn consume(b: Batch, env: &Env, ctx: &Context) -> Result<()> {
    let mut outcome = Ok(());
    for m in &b.messages {
        let text = String::from_utf8_lossy(&m.body).into_owned();
        let text = if m.content_type == "json" { text.trim_matches('"') } else { &text };
        let mut words = text.split(' ');
        let name = words.next().unwrap_or_default();
        let value = format!(
            "id={} sent={} type={} body={} of={} at={}",
            m.id,
            m.timestamp_ms,
            m.content_type,
            shown(&m.body),
            b.messages.len(),
            ctx.time_ms()
        );
        record(env, &format!("{}/{}/{}", b.queue, name, m.attempts), &value);
        for word in words {
            if let Err(e) = obey(ctx, &b, m, word) {
                outcome = Err(e);
            }
        }
    }
    outcome
}

fn obey(ctx: &Context, b: &Batch, m: &Message, word: &str) -> Result<()> {
    let word = match word.split_once('@') {
        Some((attempt, _)) if attempt != m.attempts.to_string() => return Ok(()),
        Some((_, word)) => word,
        None => word,
    };
    let (word, value) = match word.split_once(':') {
        Some((word, value)) => (word, value.parse::<i64>().ok()),
        None => (word, None),
    };
    match word {
        "ack" => m.ack(),
        "retry" => m.retry(value)?,
        "ackAll" => b.ack_all(),
        "retryAll" => b.retry_all(value)?,
        "throw" => return Err(Error::other(format!("thrown by {}", m.id))),
        "trap" => panic!("trap was asked for"),
        "sleep" => time::sleep(Duration::from_millis(value.unwrap_or_default() as u64)),
        "late" => fail_later(ctx),
        _ => {}
    }
    Ok(())
}
