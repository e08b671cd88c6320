//! The probe in Rust: what it does and how it answers is told in abi/tck/PROBE.md.

mod analytics;
mod d1;
mod event;
mod host;
mod kv;
mod queues;
mod text;
mod web;

use pagesrun::abi::{self, op, Code};
use pagesrun::{invoke, Context, Env, Error, Request, Response, Result};

pagesrun::handlers! { fetch: answer, scheduled: event::tick, queue: event::consume }

/// One request.
pub struct Probe<'e> {
    pub env: &'e Env,
    pub ctx: &'e Context,
    pub req: Request,
    pub target: String,
    pub out: Vec<u8>,
}

/// What performs an operation: it writes the result, or gives a response of its own.
type Operation = fn(&mut Probe) -> Result<Option<Response>>;

fn answer(req: Request, env: &Env, ctx: &Context) -> Result<Response> {
    let target = req.query("target").unwrap_or_default();
    let mut p = Probe { env, ctx, req, target, out: Vec::new() };
    let name = p.param("op");
    if name == "fail" {
        return Err(Error::other(p.param("text")));
    }
    let announce = p.param("announce");
    if !announce.is_empty() {
        pagesrun::info!("{}", announce);
    }
    let operation = match find(&name) {
        Some(operation) => operation,
        None => return Ok(Response::text("no such op\n").with_status(400)),
    };
    let response = operation(&mut p).unwrap_or_else(|e| {
        p.out.clear();
        p.failed(&e);
        None
    });
    Ok(response.unwrap_or_else(|| Response::bytes(p.out).with_header("content-type", "text/plain; charset=utf-8")))
}

/// Finds an operation among those of all files.
fn find(name: &str) -> Option<Operation> {
    let own: &[(&str, Operation)] = &[
        ("vars.get", variable),
        ("secrets.get", secret),
        ("bindings", bindings),
        ("log", log),
        ("trap", |_| panic!("trap was asked for")),
    ];
    let all = [own, kv::OPERATIONS, d1::OPERATIONS, queues::OPERATIONS, analytics::OPERATIONS, web::OPERATIONS, host::OPERATIONS];
    all.iter().flat_map(|file| file.iter()).find(|(n, _)| *n == name).map(|(_, operation)| *operation)
}

impl Probe<'_> {
    /// A field of the query, empty where it is absent.
    pub fn param(&self, name: &str) -> String {
        self.req.query(name).unwrap_or_default()
    }

    /// The same as bytes.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.req.query_bytes(name).unwrap_or_default()
    }

    /// Whether a field is there and not empty.
    pub fn flag(&self, name: &str) -> bool {
        !self.param(name).is_empty()
    }

    /// A field of the query that is a number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.req.query(name).map(|v| v.parse().expect("a number"))
    }

    /// The same as a length.
    pub fn count(&self, name: &str, otherwise: usize) -> usize {
        self.number(name).map_or(otherwise, |n| n as usize)
    }
}

fn variable(p: &mut Probe) -> Result<Option<Response>> {
    let reply = invoke(&p.target, op::VARS_GET, &abi::VarsGetRequest {})?;
    let r: abi::VarsGetReply = reply.decode()?;
    p.text(if r.is_json { "json " } else { "text " });
    p.line(r.value.as_bytes());
    Ok(None)
}

fn secret(p: &mut Probe) -> Result<Option<Response>> {
    let reply = invoke(&p.target, op::SECRETS_GET, &abi::SecretsGetRequest {})?;
    let r: abi::SecretsGetReply = reply.decode()?;
    p.text("secret ");
    p.line(r.value.as_bytes());
    Ok(None)
}

fn bindings(p: &mut Probe) -> Result<Option<Response>> {
    for (name, kind) in p.env.bindings()? {
        p.text(&format!("{} {}\n", name, kind));
    }
    Ok(None)
}

/// Writes a line in each of the ways there are.
fn log(p: &mut Probe) -> Result<Option<Response>> {
    let text = p.param("text");
    pagesrun::warn!("logged {}", text);
    println!("printed {}", text);
    eprintln!("complained {}", text);
    p.text("done\n");
    Ok(None)
}

/// The code of an error; that of one of the program's own is "internal".
pub fn code(e: &Error) -> Code {
    match e.code {
        Code(0) => Code::INTERNAL,
        code => code,
    }
}
