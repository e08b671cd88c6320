//! Analytics Engine: data points.

use crate::abi::{self, op};
use crate::call::invoke;

/// An Analytics Engine dataset, by the name of its binding.
#[derive(Clone, Copy, Debug)]
pub struct Dataset<'n>(pub &'n str);

/// A data point.
#[derive(Clone, Copy, Debug, Default)]
pub struct Point<'p> {
    /// The index, up to 96 bytes: what the point is counted by.
    pub index: &'p str,
    /// Up to 20 texts of together up to 16,000 bytes.
    pub blobs: &'p [&'p str],
    /// Up to 20 numbers.
    pub doubles: &'p [f64],
}

impl Dataset<'_> {
    /// Writes a point. It never fails: a point beyond a limit is dropped, counted and logged by the host.
    pub fn write(&self, point: &Point<'_>) {
        let indexes = if point.index.is_empty() { Vec::new() } else { vec![point.index.as_bytes()] };
        let blobs = point.blobs.iter().map(|b| b.as_bytes()).collect();
        let _ = invoke(self.0, op::ANALYTICS_WRITE, &abi::AnalyticsWriteRequest { indexes, blobs, doubles: point.doubles.to_vec() });
    }
}
