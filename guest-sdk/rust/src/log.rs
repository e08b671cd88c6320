//! Lines in the host's log, attributed to the running event.

use std::fmt::{Display, Write};
use std::sync::Once;

use crate::abi;
use crate::host;

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For whoever looks for a mistake.
    Debug,
    /// Ordinary.
    Info,
    /// Something may be wrong.
    Warn,
    /// Something is wrong.
    Error,
}

/// Writes a line. Lines over the host's limit are dropped. What is printed to stdout and stderr is logged too, at the levels info and warn.
pub fn write(level: Level, text: &str) {
    let level = match level {
        Level::Debug => abi::LOG_DEBUG,
        Level::Info => abi::LOG_INFO,
        Level::Warn => abi::LOG_WARN,
        Level::Error => abi::LOG_ERROR,
    };
    host::log(level, text)
}

/// Writes a line with fields after it, `name=value` each. A value with white space, quotes or "=" in it is quoted.
///
/// ```
/// use pagesrun::log::{write_with, Level};
///
/// write_with(Level::Info, "stored", &[("key", &"todo:1"), ("bytes", &42)]); // stored key=todo:1 bytes=42
/// ```
pub fn write_with(level: Level, text: &str, fields: &[(&str, &dyn Display)]) {
    let mut line = text.to_string();
    for (name, value) in fields {
        let value = value.to_string();
        let plain = !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"' || c == '=');
        let _ = match plain {
            true => write!(line, " {}={}", name, value),
            false => write!(line, " {}={:?}", name, value),
        };
    }
    write(level, &line)
}

/// Writes a formatted line of level debug.
#[macro_export]
macro_rules! debug {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Debug, &format!($($arg)*)) };
}

/// Writes a formatted line of level info: `pagesrun::info!("{} todos", n)`.
#[macro_export]
macro_rules! info {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Info, &format!($($arg)*)) };
}

/// Writes a formatted line of level warn.
#[macro_export]
macro_rules! warn {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Warn, &format!($($arg)*)) };
}

/// Writes a formatted line of level error.
#[macro_export]
macro_rules! error {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Error, &format!($($arg)*)) };
}

/// Has panics write their message to the log; without WASI they would say nothing.
#[doc(hidden)]
pub fn panics_to_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if cfg!(target_family = "wasm") {
            std::panic::set_hook(Box::new(|info| write(Level::Error, &info.to_string())));
        }
    })
}
