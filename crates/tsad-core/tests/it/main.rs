//! The one integration binary: every topic is a module, so that there is one link and not many.

mod measure;
mod measure_golden;
