//! Matrices and their decompositions: the only file that names the package they come from.

pub(crate) use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};
