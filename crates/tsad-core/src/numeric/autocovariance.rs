//! The autocovariance by the Fourier transform of the power (Wiener and Khinchin).

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

/// Replaces a signal by its circular autocovariance at lags 0, 1, 2, ..., times the square of its length, an even number.
/// Values without their mean and as many zeros behind them as the largest lag give what is not circular. `check` is called
/// between the transforms. None where a length does not fit, or there is something that is not a number at an end.
pub(crate) fn autocovariance(signal: &mut [f64], check: &dyn Fn()) -> Option<()> {
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (
        planner.plan_fft_forward(signal.len()),
        planner.plan_fft_inverse(signal.len()),
    );
    let mut lines = forward.make_output_vec();
    check();
    forward.process(signal, &mut lines).ok()?;
    check();
    for line in &mut lines {
        // Real at both ends too, as the inverse asks for.
        *line = Complex::new(line.norm_sqr(), 0.0);
    }
    inverse.process(&mut lines, signal).ok()?;
    check();
    Some(())
}
