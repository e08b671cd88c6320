//! The program of main.go once more, in Rust with nothing but its standard library.

use std::env;
use std::io::{self, Read, Write};

fn main() -> io::Result<()> {
    let variable = |name| env::var(name).unwrap_or_default();
    let query = variable("QUERY_STRING");
    let name = query.split('&').find_map(|part| part.strip_prefix("name=")).unwrap_or("world");
    let mut posted = Vec::new();
    io::stdin().read_to_end(&mut posted)?;

    let mut out = io::stdout().lock();
    write!(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n")?;
    writeln!(out, "Hello, {name}! This is {} {}.", variable("REQUEST_METHOD"), variable("PATH_INFO"))?;
    out.write_all(&posted)
}
