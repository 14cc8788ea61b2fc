//! Files of all kinds, read as a query reads them.

mod broken;
mod formats;
mod reading;
mod sample_data;
mod scenario;
mod support;
