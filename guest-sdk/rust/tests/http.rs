//! Requests, responses and header fields, over the host of tests.

use std::io::Read;

use pagesrun::{testing, Context, Env, Headers, Request, Response, Result};

fn get(url: &str) -> Request {
    Request::new("GET", url)
}

#[test]
fn a_request_shows_its_parts() {
    let req = Request::new("PUT", "https://example.com:8443/a%20b/c?x=1#y").with_header("Accept", "*/*");
    assert_eq!((req.method(), req.url()), ("PUT", "https://example.com:8443/a%20b/c?x=1#y"));
    assert_eq!((req.path(), req.query_string()), ("/a%20b/c", "x=1"));
    assert_eq!((req.remote_addr(), req.protocol()), ("127.0.0.1", "HTTP/1.1"));
    assert_eq!((req.header("accept"), req.header("cookie")), (Some("*/*"), None));
}

#[test]
fn the_path_of_a_url_is_at_least_a_slash() {
    for (url, path) in [
        ("http://h", "/"),
        ("http://h?a=/b", "/"),
        ("http://h/", "/"),
        ("http://h/a?b", "/a"),
        ("http://h/a#b?c", "/a"),
        ("/a/b", "/a/b"),
        ("", "/"),
    ] {
        assert_eq!(get(url).path(), path, "{}", url);
    }
}

#[test]
fn query_parameters_are_decoded() {
    let req = get("http://h/?a=1&b=x+y%26z&%63=%41&a=2&empty=&bare&broken=%zz&cut=%4&e=%C3%A9&bad=%ff&&=none");
    for (name, value) in [
        ("a", Some("1")),
        ("b", Some("x y&z")),
        ("c", Some("A")),
        ("empty", Some("")),
        ("bare", Some("")),
        ("broken", Some("%zz")),
        ("cut", Some("%4")),
        ("e", Some("é")),
        ("bad", Some("\u{fffd}")),
        ("", Some("none")),
        ("missing", None),
    ] {
        assert_eq!(req.query(name).as_deref(), value, "{}", name);
    }
    assert_eq!(req.query_bytes("bad"), Some(vec![0xff]));
    assert_eq!(req.queries().filter(|(name, _)| name == "a").map(|(_, v)| v).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(get("http://h/").query("a"), None);
}

#[test]
fn a_body_is_read_once() {
    let mut req = Request::new("POST", "http://h/").with_body("text");
    assert_eq!(req.body.len(), Some(4));
    assert_eq!(req.text().unwrap(), "text");
    assert_eq!(req.bytes().unwrap(), b"");
    assert!(Request::new("POST", "http://h/").with_body([0xff]).text().unwrap_err().message.contains("utf-8"));
}

#[test]
fn a_body_in_memory_is_read_in_pieces() {
    let mut body = Request::new("POST", "http://h/").with_body("abcde").body;
    let mut piece = [0; 2];
    assert_eq!((body.read(&mut piece).unwrap(), piece), (2, *b"ab"));
    assert_eq!(body.len(), Some(3));
    assert_eq!(body.read_all(3).unwrap(), b"cde");
    assert_eq!(body.read(&mut piece).unwrap(), 0);
}

#[test]
fn a_body_longer_than_the_limit_is_too_large() {
    let e = Request::new("POST", "http://h/").with_body("abcde").body.read_all(4).unwrap_err();
    assert_eq!((e.code.name(), e.message.as_str()), ("too_large", "the stream has more than 4 bytes"));
    assert_eq!(testing::stream(b"abcde").read_all(4).unwrap_err().code.name(), "too_large");
    assert_eq!(testing::stream(b"abcde").read_all(5).unwrap(), b"abcde");
}

#[test]
fn header_names_compare_without_regard_to_case() {
    let mut h = Headers::default();
    h.append("Set-Cookie", "a=1");
    h.append("content-type", "text/html");
    h.append("set-cookie", "b=2");
    assert_eq!(h.get("SET-COOKIE"), Some("a=1"));
    assert_eq!(h.list().get_all("set-cookie").collect::<Vec<_>>(), [b"a=1", b"b=2"]);
    h.set("SET-COOKIE", "c=3");
    assert_eq!(h.list().iter().collect::<Vec<_>>(), [("content-type", b"text/html".as_slice()), ("SET-COOKIE", b"c=3".as_slice())]);
    h.remove("Content-Type");
    assert_eq!((h.get("content-type"), h.list().iter().count()), (None, 1));
}

#[test]
fn header_values_need_not_be_text() {
    let mut h = Headers::default();
    h.append("x", [0xff, 0xfe]);
    h.append("empty", "");
    assert_eq!((h.get("x"), h.list().get_bytes("x")), (None, Some([0xff, 0xfe].as_slice())));
    assert_eq!(h.get("empty"), Some(""));
}

#[test]
fn responses_have_their_content_type() {
    fn answer(req: Request, _: &Env, _: &Context) -> Result<Response> {
        Ok(match req.path() {
            "/text" => Response::text("t"),
            "/html" => Response::html("<p>".to_string()),
            "/bytes" => Response::bytes(vec![0, 0xff]),
            "/empty" => Response::empty(204),
            "/error" => Response::error(404, "no such page"),
            "/redirect" => Response::redirect(302, "/text"),
            "/str" => "from a string".into(),
            _ => Response::text("own")
                .with_status(201)
                .with_header("Content-Type", "text/csv")
                .with_added_header("x", "1")
                .with_added_header("x", "2"),
        })
    }
    for (path, status, content_type, body) in [
        ("/text", 200, Some("text/plain; charset=utf-8"), b"t".as_slice()),
        ("/html", 200, Some("text/html; charset=utf-8"), b"<p>"),
        ("/bytes", 200, None, &[0, 0xff]),
        ("/empty", 204, None, b""),
        ("/error", 404, Some("text/plain; charset=utf-8"), b"no such page\n"),
        ("/redirect", 302, None, b""),
        ("/str", 200, Some("text/plain; charset=utf-8"), b"from a string"),
        ("/own", 201, Some("text/csv"), b"own"),
    ] {
        let got = testing::fetch(answer, get(&format!("http://h{}", path)));
        assert_eq!((got.status, got.headers.get("content-type"), got.body.as_slice()), (status, content_type, body), "{}", path);
        match path {
            "/redirect" => assert_eq!(got.headers.get("location"), Some("/text")),
            "/own" => assert_eq!(got.headers.list().get_all("x").collect::<Vec<_>>(), [b"1", b"2"]),
            _ => {}
        }
    }
}

#[test]
fn a_body_is_handed_on_without_being_read() {
    fn pass(req: Request, _: &Env, _: &Context) -> Result<Response> {
        Ok(Response::stream(req.body))
    }
    let mut req = Request::new("POST", "http://h/");
    req.body = testing::stream(b"streamed");
    assert_eq!(testing::fetch(pass, req).text(), "streamed");
    assert!(!testing::trace().iter().any(|call| call == "read"));
    assert_eq!(testing::fetch(pass, Request::new("POST", "http://h/").with_body("short")).text(), "short");
}

#[test]
fn a_response_in_memory_costs_two_host_calls() {
    fn hello(_: Request, _: &Env, _: &Context) -> Result<Response> {
        Ok(Response::text("hello"))
    }
    testing::trace();
    testing::fetch(hello, get("http://h/"));
    assert_eq!(testing::trace(), ["result", "call  respond"]);
}
