//! What the functions read: their arguments, the tables, and the models of the series. May import nothing of `function`,
//! `monitor` and `aggregate`, but for how `aggregate` unpacks a model.

pub(crate) mod cursor;
pub(crate) mod models;
pub(crate) mod reader;
pub(crate) mod request;
pub(crate) mod rows;
pub(crate) mod series;
pub(crate) mod source;
pub(crate) mod training;
