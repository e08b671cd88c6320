//! Handlers and what goes on around them, over the host of tests.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use pagesrun::queues::Batch;
use pagesrun::testing::{self, Outcome};
use pagesrun::{streamed, Context, Env, Error, Request, Response, Result, ScheduledEvent};

fn get(path: &str) -> Request {
    Request::new("GET", &format!("http://h{}", path))
}

#[test]
fn a_handlers_error_is_logged_and_answered_with_500() {
    fn broken(_: Request, _: &Env, _: &Context) -> Result<Response> {
        Err("out of order".into())
    }
    let got = testing::fetch(broken, get("/"));
    assert_eq!((got.status, got.text()), (500, "Internal Server Error (event test)\n"));
    assert_eq!(testing::logged(), [(3, "handler: out of order".to_string())]);
    assert_eq!(testing::failed().as_deref(), Some("out of order"));
}

#[test]
fn what_is_returned_after_a_response_is_ignored() {
    fn early(_: Request, _: &Env, ctx: &Context) -> Result<Response> {
        assert!(!ctx.responded());
        ctx.respond(Response::text("first"))?;
        assert!(ctx.responded());
        let again = ctx.respond(Response::text("again")).unwrap_err();
        assert_eq!(again.code.name(), "already_responded");
        Ok(Response::text("second"))
    }
    assert_eq!(testing::fetch(early, get("/")).text(), "first");
}

#[test]
fn an_event_has_an_id_and_a_time() {
    fn show(_: Request, _: &Env, ctx: &Context) -> Result<Response> {
        Ok(format!("{} {}", ctx.id(), ctx.time_ms()).into())
    }
    assert_eq!(testing::fetch(show, get("/")).text(), format!("test {}", testing::TIME_MS));
}

thread_local! {
    static ORDER: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

fn note(word: &'static str) {
    ORDER.with(|o| o.borrow_mut().push(word))
}

#[test]
fn what_is_to_run_after_the_response_runs_after_it() {
    fn later(_: Request, _: &Env, ctx: &Context) -> Result<Response> {
        ctx.wait_until(|| {
            note("one");
            Ok(())
        });
        ctx.wait_until_async(async {
            note("two");
            Ok(())
        });
        note("handler");
        Ok(Response::text(""))
    }
    testing::fetch(later, get("/"));
    assert_eq!(ORDER.with(RefCell::take), ["handler", "one", "two"]);
    let calls = testing::trace();
    assert_eq!(calls.last().map(String::as_str), Some("call  respond"));
}

#[test]
fn a_failure_after_the_handler_is_the_events() {
    fn late(_: ScheduledEvent, _: &Env, ctx: &Context) -> Result<()> {
        ctx.wait_until(|| Err("late failure".into()));
        ctx.wait_until(|| {
            note("others run all the same");
            Err("too late".into())
        });
        Ok(())
    }
    assert_eq!(testing::scheduled(late, "* * * * *"), Err(Error::other("late failure")));
    assert_eq!(ORDER.with(RefCell::take).len(), 1);
}

#[test]
fn a_tick_shows_its_cron_expression() {
    fn tick(e: ScheduledEvent, _: &Env, ctx: &Context) -> Result<()> {
        assert_eq!(ctx.respond(Response::text("")).unwrap_err().code.name(), "invalid_argument");
        match (e.cron.as_str(), e.scheduled_time_ms) {
            ("*/5 * * * *", testing::TIME_MS) => Ok(()),
            other => Err(format!("{:?}", other).into()),
        }
    }
    assert_eq!(testing::scheduled(tick, "*/5 * * * *"), Ok(()));
    assert_eq!(testing::scheduled(tick, "x").unwrap_err().message, format!("(\"x\", {})", testing::TIME_MS));
}

#[test]
fn a_kind_of_event_without_a_handler_fails() {
    let e = pagesrun::abi::Event { kind: "email", id: "1", ..Default::default() };
    testing::event(&e);
    pagesrun::run(&pagesrun::Handlers::default());
    assert_eq!(testing::failed().as_deref(), Some("Handler does not export a email() function."));
}

#[test]
fn messages_are_settled_one_by_one_and_the_rest_by_the_outcome() {
    fn consume(b: Batch, _: &Env, _: &Context) -> Result<()> {
        assert_eq!((b.queue.as_str(), b.messages.len()), ("orders", 4));
        assert_eq!((b.messages[0].text()?, b.messages[0].content_type.as_str(), b.messages[0].attempts), ("1", "json", 1));
        b.messages[1].retry(Some(5))?;
        b.messages[1].ack(); // the first counts
        b.messages[2].ack();
        match b.messages[3].text()? {
            "fail" => Err("thrown".into()),
            "all" => b.retry_all(None),
            _ => Ok(()),
        }
    }
    for (last, failed, rest) in
        [("4", false, Outcome::Acked), ("fail", true, Outcome::Retried(None)), ("all", false, Outcome::Retried(None))]
    {
        let (result, outcomes) = testing::queue(consume, "orders", &["1", "2", "3", last]);
        assert_eq!(result.is_err(), failed, "{}", last);
        assert_eq!(outcomes, [rest, Outcome::Retried(Some(5)), Outcome::Acked, rest], "{}", last);
    }
}

#[test]
fn a_streamed_body_is_written_while_it_is_sent() {
    fn letters(_: Request, _: &Env, ctx: &Context) -> Result<Response> {
        let (response, mut body) = streamed()?;
        ctx.respond(response.with_header("content-type", "text/plain"))?;
        for letter in ["a", "b", "c"] {
            body.write_all(letter.as_bytes())?;
        }
        body.finish()?;
        Ok(Response::empty(500))
    }
    let got = testing::fetch(letters, get("/"));
    assert_eq!((got.status, got.text(), got.headers.get("content-type")), (200, "abc", Some("text/plain")));
}

#[test]
fn bindings_are_reached_through_the_environment() {
    fn show(_: Request, env: &Env, _: &Context) -> Result<Response> {
        Ok(format!("{:?} {:?} {:?}", env.var("GREETING"), env.secret("KEY")?, env.bindings()?).into())
    }
    use pagesrun::{abi, cbor::encode};
    let asked = Rc::new(RefCell::new(Vec::new()));
    let noted = asked.clone();
    testing::answer(move |target, operation, _| {
        noted.borrow_mut().push(format!("{} {}", target, operation));
        match operation {
            "vars.get" => Ok(encode(&abi::VarsGetReply { value: "hello", is_json: false })),
            "bindings" => {
                let bindings = vec![abi::BindingInfo { name: "GREETING", kind: "vars" }];
                Ok(encode(&abi::BindingsReply { bindings }))
            }
            _ => Err(Error::new(abi::Code::NOT_CONFIGURED, "none")),
        }
    });
    assert_eq!(testing::fetch(show, get("/")).text(), r#"Some("hello") None [("GREETING", "vars")]"#);
    assert_eq!(*asked.borrow(), ["GREETING vars.get", "KEY secrets.get", " bindings"]);
}
