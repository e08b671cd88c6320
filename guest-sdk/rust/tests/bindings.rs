//! KV, D1, queues and Analytics Engine, over the host of tests.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use pagesrun::abi::{self, Code};
use pagesrun::analytics::{Dataset, Point};
use pagesrun::cbor::{decode, encode, Writer};
use pagesrun::d1::{Database, Value};
use pagesrun::kv::{Entry, List, Namespace, Put};
use pagesrun::queues::{Queue, Send};
use pagesrun::{block_on, join, join_all, params, pipe, select_all, testing, time, Error, Result};

const KV: Namespace<'static> = Namespace("KV");
const DB: Database<'static> = Database("DB");

/// A namespace in memory.
fn memory() {
    let mut values: BTreeMap<Vec<u8>, (Vec<u8>, Option<String>)> = BTreeMap::new();
    testing::answer(move |target, operation, message| {
        assert_eq!(target, "KV");
        match operation {
            "kv.put" => {
                let m: abi::KvPutRequest = decode(message)?;
                if m.key.is_empty() {
                    return Err(Error { status: 400, ..Error::new(Code::INVALID_ARGUMENT, "Key name cannot be empty.") });
                }
                let value = if m.stream.0 == 0 { m.value.to_vec() } else { b"a stream".to_vec() };
                values.insert(m.key.to_vec(), (value, m.metadata.map(String::from)));
                Ok(encode(&abi::KvPutReply {}))
            }
            "kv.get" => {
                let m: abi::KvGetRequest = decode(message)?;
                let (value, metadata) = values.get(m.key).map_or((&[][..], None), |(v, m)| (v.as_slice(), m.as_deref()));
                let metadata = metadata.filter(|_| m.with_metadata);
                Ok(encode(&abi::KvGetReply { found: values.contains_key(m.key), value, metadata, ..Default::default() }))
            }
            "kv.delete" => {
                let m: abi::KvDeleteRequest = decode(message)?;
                values.remove(m.key);
                Ok(encode(&abi::KvDeleteReply {}))
            }
            _ => {
                let m: abi::KvListRequest = decode(message)?;
                let after = values.keys().filter(|k| k.starts_with(m.prefix) && k.as_slice() > m.cursor.as_bytes());
                let keys: Vec<abi::KvKey> = after.take(2).map(|k| abi::KvKey { name: k, ..Default::default() }).collect();
                let cursor = keys.get(1).map_or("", |k| std::str::from_utf8(k.name).unwrap());
                Ok(encode(&abi::KvListReply { list_complete: keys.len() < 2, cursor, keys }))
            }
        }
    });
}

#[test]
fn values_come_back_as_they_were_put() {
    memory();
    assert_eq!(KV.get("k"), Ok(None));
    KV.put("k", "value").unwrap();
    assert_eq!(KV.get_text("k"), Ok(Some("value".into())));
    KV.put_with("k", vec![0xff], &Put { metadata: Some("{}".into()), ..Put::default() }).unwrap();
    assert_eq!(KV.get("k"), Ok(Some(vec![0xff])));
    assert_eq!(KV.get_text("k"), Ok(Some("\u{fffd}".into())));
    assert_eq!(KV.get_with_metadata("k"), Ok(Entry { key: "k".into(), value: Some(vec![0xff]), metadata: Some("{}".into()) }));
    KV.delete("k").unwrap();
    assert_eq!(KV.get_with_metadata("k").unwrap().value, None);
}

#[test]
fn a_refused_operation_tells_code_status_and_text() {
    memory();
    let e = KV.put("", "v").unwrap_err();
    assert_eq!((e.code, e.status, e.to_string().as_str()), (Code::INVALID_ARGUMENT, 400, "Key name cannot be empty."));
    assert_eq!(KV.put_async("", "v", &Put::default()).wait(), Err(e));
}

#[test]
fn keys_are_listed_page_by_page() {
    memory();
    for key in ["a/1", "a/2", "a/3", "b/1"] {
        KV.put(key, "").unwrap();
    }
    let page = KV.list(&List { prefix: "a/".into(), ..List::default() }).unwrap();
    assert_eq!((page.keys.len(), page.cursor.as_deref()), (2, Some("a/2")));
    let names: Result<Vec<String>> = KV.keys("a/").map(|k| k.map(|k| k.name)).collect();
    assert_eq!(names.unwrap(), ["a/1", "a/2", "a/3"]);
    testing::answer(|_, _, _| Err(Error::new(Code::STORAGE_FAILED, "broken")));
    assert_eq!(KV.keys("").map(|k| k.map_err(|e| e.code)).map(|k| k.err()).collect::<Vec<_>>(), [Some(Code::STORAGE_FAILED)]);
}

#[test]
fn streams_are_stored_without_being_read() {
    memory();
    KV.put_stream("k", testing::stream(b"bytes"), &Put::default()).unwrap();
    assert_eq!(KV.get_text("k").unwrap().as_deref(), Some("a stream"));
    KV.put_stream("k", pagesrun::Request::new("PUT", "/").with_body("short").body, &Put::default()).unwrap();
    assert_eq!(KV.get_text("k").unwrap().as_deref(), Some("short"));
    KV.put_from("k", &mut io::repeat(b'x').take(100_000), &Put::default()).unwrap();
    assert_eq!(KV.get_text("k").unwrap().as_deref(), Some("a stream"));
}

#[test]
fn a_reader_that_fails_stores_nothing_and_keeps_its_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(Error::new(Code::TIMEOUT, "too slow").into())
        }
    }
    memory();
    let e = KV.put_from("k", &mut Broken, &Put::default()).unwrap_err();
    assert_eq!((e.code, e.message.as_str()), (Code::TIMEOUT, "too slow"));
}

#[test]
fn operations_overlap() {
    memory();
    KV.put("a", "1").unwrap();
    KV.put("b", "2").unwrap();
    testing::slow(2);
    testing::trace();
    let (a, b) = block_on(join(KV.get_text_async("a"), KV.get_text_async("b")));
    assert_eq!((a.unwrap().as_deref(), b.unwrap().as_deref()), (Some("1"), Some("2")));
    let trace = testing::trace();
    assert_eq!(trace[..2], ["call KV kv.get", "call KV kv.get"]);
    assert!(trace.contains(&"wait 2".to_string()), "{:?}", trace);
    let all = block_on(join_all(["a", "b", "none"].map(|k| KV.get_async(k))));
    assert_eq!(all, [Ok(Some(b"1".to_vec())), Ok(Some(b"2".to_vec())), Ok(None)]);
}

#[test]
fn the_first_of_several_is_taken_and_the_others_go_on() {
    memory();
    KV.put("a", "1").unwrap();
    testing::slow(3);
    let slow = KV.get_async("a");
    testing::slow(1);
    let quick = KV.get_async("none");
    let (first, place, others) = block_on(select_all([slow, quick]));
    assert_eq!((first, place), (Ok(None), 1));
    assert_eq!(block_on(join_all(others)), [Ok(Some(b"1".to_vec()))]);
}

#[test]
fn dropping_an_operation_cancels_it() {
    memory();
    testing::slow(5);
    testing::trace();
    KV.get_async("a").cancel();
    drop(KV.get_async("a"));
    assert_eq!(testing::trace(), ["call KV kv.get", "close", "call KV kv.get", "close"]);
}

#[test]
fn a_future_may_have_a_limit() {
    let (mut reader, _writer) = pipe().unwrap();
    let mut buf = [0];
    let limited = block_on(time::timeout(std::time::Duration::from_millis(5), reader.read_async(&mut buf)));
    assert_eq!(limited.unwrap_err().code, Code::TIMEOUT);
    assert_eq!(block_on(time::timeout(std::time::Duration::from_secs(60), async { 1 })), Ok(1));
}

#[test]
fn an_operation_that_has_ended_unwatched_is_waited_for_no_more() {
    memory();
    KV.put("a", "1").unwrap();
    testing::slow(2);
    let mut early = KV.get_async("a");
    assert!(block_on(time::timeout(std::time::Duration::from_millis(5), &mut early)).is_err());
    assert_eq!(KV.get("none"), Ok(None)); // meanwhile the other ends, too
    assert_eq!(block_on(early), Ok(Some(b"1".to_vec())));
    assert_eq!(block_on(KV.get_async("a")), Ok(Some(b"1".to_vec())));
}

#[test]
fn both_ends_of_a_pipe_are_futures_too() {
    let (mut reader, mut writer) = pipe().unwrap();
    let sent = vec![b'x'; 1 << 20]; // more than a pipe holds
    let write = async {
        writer.write_all_async(&sent).await?;
        writer.finish()
    };
    let (read, written) = block_on(join(reader.read_all_async(2 << 20), write));
    assert_eq!((read.unwrap().len(), written), (1 << 20, Ok(())));
}

#[test]
fn a_stream_broken_off_is_an_error_and_not_an_end() {
    let (mut reader, mut writer) = pipe().unwrap();
    writer.write_all(b"some").unwrap();
    drop(writer);
    let mut all = Vec::new();
    let e: Error = reader.read_to_end(&mut all).unwrap_err().into();
    assert_eq!((e.code, all.as_slice()), (Code::STREAM_CLOSED, b"some".as_slice()));
}

#[test]
fn writing_what_nobody_wants_fails_with_its_code() {
    let (reader, mut writer) = pipe().unwrap();
    drop(reader);
    let e: Error = writer.write_all(b"x").unwrap_err().into();
    assert_eq!(e.code, Code::STREAM_CLOSED);
    assert_eq!(writer.copy_from(&mut b"x".as_slice()), Ok(()));
}

/// Answers queries with one result of two columns and two rows, and a bookmark that grows.
fn database() {
    let mut queries = 0;
    testing::answer(move |target, operation, message| {
        assert_eq!(target, "DB");
        if operation == "d1.exec" {
            return Ok(encode(&abi::D1ExecReply { count: 2, duration_ms: 0.5 }));
        }
        let m: abi::D1QueryRequest = decode(message)?;
        if m.statements[0].sql == b"broken" {
            return Err(Error::new(Code::INVALID_ARGUMENT, "D1_ERROR: near \"broken\": syntax error"));
        }
        let mut rows = Writer::default();
        rows.text(m.session);
        rows.i64(7);
        rows.null();
        rows.f64(0.5);
        queries += 1;
        let bookmark = format!("bookmark-{}", queries);
        let empty = m.statements[0].sql == b"empty";
        let result = |_| abi::D1Result {
            columns: vec![b"a", b"b"],
            rows: if empty { &[] } else { &rows.buf },
            row_count: if empty { 0 } else { 2 },
            meta: Some(Box::new(abi::D1Meta { changes: m.statements[0].params.len() as i64, ..Default::default() })),
        };
        Ok(encode(&abi::D1QueryReply { results: m.statements.iter().map(result).collect(), bookmark: &bookmark }))
    });
}

#[test]
fn rows_are_taken_by_the_names_of_their_columns() {
    database();
    let r = DB.prepare("SELECT").bind(params![1, "two", None::<i64>, 0.5, true, vec![1u8]]).all().unwrap();
    assert_eq!((r.columns.as_slice(), r.rows.len()), (["a".to_string(), "b".to_string()].as_slice(), 2));
    assert_eq!(r.meta.changes, 1 + 4 + 1 + 9 + 1 + 2, "the parameters have another length");
    let rows: Vec<_> = r.iter().collect();
    assert_eq!((rows[0].get::<String>("a"), rows[0].get::<i64>("b")), (Ok(String::new()), Ok(7)));
    assert_eq!((rows[1].get::<Option<String>>("a"), rows[1].get::<f64>("b")), (Ok(None), Ok(0.5)));
    assert_eq!(rows[1].get::<i64>("b").unwrap_err().message, "column b: the value is REAL, not an integer");
    assert_eq!(rows[1].get::<Value>("c").unwrap_err().message, "D1_COLUMN_NOTFOUND: Column not found (c)");
    assert_eq!(rows[1].values(), [Value::Null, Value::Real(0.5)]);
}

#[test]
fn the_first_row_may_be_missing() {
    database();
    assert_eq!(DB.prepare("SELECT").first_column("b"), Ok(Some(Value::Integer(7))));
    assert_eq!(DB.prepare("SELECT").first().unwrap().unwrap().get::<u32>("b"), Ok(7));
    assert_eq!(DB.prepare("empty").first(), Ok(None));
    assert_eq!(DB.prepare("empty").first_column("c"), Ok(None));
    assert_eq!(DB.prepare("SELECT").raw(true).unwrap()[0], [Value::from("a"), Value::from("b")]);
    assert_eq!(DB.prepare("SELECT").raw(false).unwrap().len(), 2);
}

#[test]
fn a_batch_has_a_result_for_each_statement() {
    database();
    let insert = DB.prepare("INSERT");
    assert_eq!(DB.batch(&[insert.clone().bind(params![1]), insert.bind(params![2])]).unwrap().len(), 2);
    assert_eq!(DB.exec("a;\nb;").unwrap().count, 2);
    assert_eq!(DB.batch(&[DB.prepare("broken")]).unwrap_err().message, "D1_ERROR: near \"broken\": syntax error");
}

#[test]
fn a_session_passes_on_its_bookmark() {
    database();
    let session = DB.with_session("first-primary");
    assert_eq!(session.bookmark(), None);
    let began = |s: &pagesrun::d1::Session| s.prepare("SELECT").first_column("a").unwrap().unwrap();
    assert_eq!(began(&session), Value::from("first-primary"));
    assert_eq!(session.bookmark().as_deref(), Some("bookmark-1"));
    assert_eq!(began(&session), Value::from("bookmark-1"));
    session.batch(&[session.prepare("SELECT")]).unwrap();
    assert_eq!(session.bookmark().as_deref(), Some("bookmark-3"));
    assert_eq!(began(&DB.with_session("")), Value::from("first-unconstrained"));
    assert_eq!(DB.with_session("bookmark-9").bookmark().as_deref(), Some("bookmark-9"));
}

#[test]
fn messages_are_sent_with_their_type_and_delay() {
    testing::answer(|target, operation, message| {
        assert_eq!(target, "Q");
        let metrics = |n| Some(Box::new(abi::QueueMetrics { backlog_count: n, ..Default::default() }));
        match operation {
            "queues.send" => {
                let m: abi::QueuesSendRequest = decode(message)?;
                assert_eq!((m.body, m.content_type, m.delay_s), (b"{}".as_slice(), "json", Some(5)));
                Ok(encode(&abi::QueuesSendReply { metrics: metrics(1) }))
            }
            "queues.send_batch" => {
                let m: abi::QueuesSendBatchRequest = decode(message)?;
                assert_eq!((m.messages[1].content_type, m.messages[2].content_type, m.delay_s), ("text", "bytes", Some(9)));
                Ok(encode(&abi::QueuesSendBatchReply { metrics: metrics(m.messages.len() as u64) }))
            }
            _ => Ok(encode(&abi::QueuesMetricsReply { metrics: None })),
        }
    });
    assert_eq!(Queue("Q").send(Send::json("{}").delayed(5)).unwrap().backlog_count, 1);
    let batch = [Send::json("1"), Send::text("two"), Send::bytes(&[3])];
    assert_eq!(Queue("Q").send_batch(&batch, Some(9)).unwrap().backlog_count, 3);
    assert_eq!(Queue("Q").metrics().unwrap(), Default::default());
}

#[test]
fn a_point_has_at_most_one_index() {
    testing::answer(|target, operation, message| {
        let m: abi::AnalyticsWriteRequest = decode(message)?;
        assert_eq!((target, operation), ("VISITS", "analytics.write"));
        assert_eq!((m.indexes, m.blobs, m.doubles), (vec![b"shop".as_slice()], vec![b"/".as_slice()], vec![1.5]));
        Ok(encode(&abi::AnalyticsWriteReply {}))
    });
    Dataset("VISITS").write(&Point { index: "shop", blobs: &["/"], doubles: &[1.5] });
}

#[test]
fn fields_of_a_log_line_are_quoted_where_they_must_be() {
    use pagesrun::log::{write_with, Level};
    write_with(Level::Warn, "stored", &[("key", &"a"), ("n", &1), ("text", &"b \"c\""), ("empty", &"")]);
    pagesrun::debug!("{} + {}", 1, 2);
    assert_eq!(testing::logged(), [(2, r#"stored key=a n=1 text="b \"c\"" empty="""#.to_string()), (0, "1 + 2".to_string())]);
}

#[test]
fn errors_of_other_libraries_are_passed_on() {
    fn number(text: &str) -> Result<i64> {
        Ok(text.parse::<i64>()?)
    }
    let e = number("x").unwrap_err();
    assert_eq!((e.code, e.to_string().as_str()), (Code::default(), "invalid digit found in string"));
    let boxed: Box<dyn std::error::Error + std::marker::Send + Sync> = Box::new(Error::new(Code::TIMEOUT, "slow"));
    assert_eq!(Error::from(boxed).code, Code::TIMEOUT);
    assert_eq!(Error::new(Code::TIMEOUT, "").to_string(), "timeout");
}
