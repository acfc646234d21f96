//! From residual to excess.

/// How many root mean squares of the residual are usual.
const LIMIT_ROOT_MEAN_SQUARES: f64 = 4.0;

/// The limit of what is usual by the residuals of samples that the fit has not seen, at least one; `resolution` is
/// what no residual is known better than, in the same unit.
pub(super) fn limit(residuals: impl Iterator<Item = f32>, resolution: f64) -> f32 {
    let (mut count, mut square) = (0.0, 0.0);
    for r in residuals {
        count += 1.0;
        square += f64::from(r).powi(2);
    }
    let size: f64 = if count > 0.0 { square / count } else { 0.0 };
    (LIMIT_ROOT_MEAN_SQUARES * size.sqrt() + resolution) as f32
}

/// Turns residuals into what exceeds the limit, logarithmically.
pub(super) fn exceed(residuals: &mut [f32], limit: f32) {
    for r in residuals {
        let over = r.abs() / limit;
        *r = if over > 1.0 { over.min(f32::MAX).ln() } else { 0.0 };
    }
}
