//! A day of made-up logs with an attack in it, and how its discovery is told.

mod fleet;
pub mod generate;
mod noise;
mod random;
mod record;
pub mod report;
mod run_command;
mod scripts;
#[cfg(test)]
mod tests;

pub use generate::generate;
pub use report::{Story, render_alert_story};
