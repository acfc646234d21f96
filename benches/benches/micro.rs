//! The costly parts one by one: views, k-means, measures.
//!
//! Shapes: windows of 32 and 128 samples are the shortest and the longest of the default scales; 5,000 windows
//! are the order of a training part; series of 10,000 and 100,000 samples are those of the benchmarks, with 1 %
//! of the samples in events and 100 as the window of the volume measures.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use tsad_bench::synthetic::Noise;
use tsad_core::cluster::Centres;
use tsad_core::measure;
use tsad_core::view::Extractor;

fn views(c: &mut Criterion) {
    let mut group = c.benchmark_group("views");
    let mut noise = Noise(1);
    for length in [32, 128, 1024] {
        let window: Vec<f32> = (0..length).map(|_| noise.next() as f32).collect();
        let mut extractor = Extractor::new(length);
        let mut out = vec![0.0; extractor.dim()];
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| extractor.extract(black_box(&window), black_box(&mut out)));
        });
    }
    group.finish();
}

fn kmeans(c: &mut Criterion) {
    let mut group = c.benchmark_group("k-means");
    group.sample_size(20);
    let mut noise = Noise(2);
    for dim in [8, 32] {
        let points: Vec<f32> = (0..5000 * dim)
            .map(|i| (i / dim % 7) as f32 + noise.next() as f32)
            .collect();
        group.throughput(Throughput::Elements(5000));
        group.bench_function(BenchmarkId::new("fit", dim), |b| {
            b.iter(|| {
                let mut rng = ChaCha8Rng::seed_from_u64(0);
                Centres::fit(black_box(&points), dim, 32, 0.02, &mut rng, &|| {})
            });
        });
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let centres = Centres::fit(&points, dim, 32, 0.02, &mut rng, &|| {});
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("distance", dim), |b| {
            b.iter(|| centres.distance(black_box(&points[..dim])));
        });
    }
    group.finish();
}

fn measures(c: &mut Criterion) {
    let mut group = c.benchmark_group("measures");
    group.sample_size(10);
    for rows in [10_000, 100_000] {
        let labels: Vec<bool> = (0..rows).map(|i| i % 5000 >= 4950).collect();
        let mut noise = Noise(3);
        let scores: Vec<f64> = labels
            .iter()
            .map(|label| noise.next() + f64::from(u8::from(*label)))
            .collect();
        group.throughput(Throughput::Elements(rows));
        group.bench_function(BenchmarkId::new("vus", rows), |b| {
            b.iter(|| measure::vus(black_box(&scores), &labels, 100));
        });
        group.bench_function(BenchmarkId::new("evaluate", rows), |b| {
            b.iter(|| measure::evaluate(black_box(&scores), &labels, 100));
        });
        group.bench_function(BenchmarkId::new("period", rows), |b| {
            b.iter(|| measure::period_length(black_box(&scores)));
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    views(&mut criterion);
    kmeans(&mut criterion);
    measures(&mut criterion);
    criterion.final_summary();
}
