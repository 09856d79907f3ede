//! All tensors as a stream: in order, bounded ahead, in few reads, and ended when it is dropped.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures::executor::block_on;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use proptest::prelude::*;
use tfjs_artifacts::{
    ByteSource, Bytes, DType, Error, ErrorKind, RelPath, Segment, Shape, Shard, SurplusBytes, WeightData, WeightGroup,
    WeightSpec, Weights, async_trait,
};
use tfjs_weights::{ReadAhead, TensorReader, decode_weights};

/// What all sources of a model were asked for.
#[derive(Debug, Default)]
struct Asked {
    ranges: Mutex<Vec<Range<u64>>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    /// The bytes of reads that have begun, since the start.
    begun: AtomicU64,
}

/// A file whose bytes say where they are; each read waits once, so that others can begin.
#[derive(Debug)]
struct Counted {
    start: u64,
    length: u64,
    asked: Arc<Asked>,
    fails_at: Option<u64>,
}

/// A read that is over when this goes, read or dropped.
struct UnderWay<'a>(&'a Asked);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl ByteSource for Counted {
    fn byte_length(&self) -> u64 {
        self.length
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        self.asked.ranges.lock().unwrap().push(self.start + range.start..self.start + range.end);
        self.asked.begun.fetch_add(range.end - range.start, Ordering::SeqCst);
        let now = self.asked.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.asked.most_under_way.fetch_max(now, Ordering::SeqCst);
        let _under_way = UnderWay(&self.asked);
        let mut is_first = true;
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        if self.fails_at.is_some_and(|at| range.contains(&at)) {
            return Err(Error::new(ErrorKind::Transport, "injected: the source broke"));
        }
        Ok((range.start..range.end).map(|at| byte_at(self.start + at)).collect())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a test pattern may wrap")]
fn byte_at(offset: u64) -> u8 {
    (offset * 7 + offset / 251) as u8
}

/// Tensors of uint8-like bools of these lengths, in one group, in files that are cut every so many bytes.
fn model(lengths: &[u64], file: u64, fails_at: Option<u64>) -> (Weights, Arc<Asked>) {
    let asked = Arc::new(Asked::default());
    let total: u64 = lengths.iter().sum();
    let mut segments = Vec::new();
    let mut shards = Vec::new();
    let mut start = 0;
    while start < total {
        let length = file.min(total - start);
        let fails_at = fails_at.and_then(|at| at.checked_sub(start));
        segments.push(Segment::lazy(Arc::new(Counted { start, length, asked: Arc::clone(&asked), fails_at })));
        shards.push(Shard::new(RelPath::parse(&format!("{}.bin", shards.len())).unwrap(), length));
        start += length;
    }
    let spec = |(index, &length): (usize, &u64)| {
        WeightSpec::new(format!("t{index}"), Shape::vector(length).unwrap(), DType::Bool)
    };
    let specs = lengths.iter().enumerate().map(spec).collect();
    let groups = vec![WeightGroup::new(specs, shards)];
    (Weights::new(groups, WeightData::from_segments(segments), SurplusBytes::Reject).unwrap(), asked)
}

fn ahead(bytes: u64, requests: usize, request_bytes: u64) -> ReadAhead {
    ReadAhead::new()
        .with_bytes(bytes)
        .with_requests(NonZeroUsize::new(requests).unwrap())
        .with_request_bytes(NonZeroU64::new(request_bytes).unwrap())
}

/// Reads all; the bytes are right, and the bounds were kept at every step.
fn check(lengths: &[u64], file: u64, read_ahead: ReadAhead) -> Vec<Range<u64>> {
    let (weights, asked) = model(lengths, file, None);
    block_on(async {
        let reader = TensorReader::open(&weights).await.unwrap();
        let mut tensors = reader.stored_tensors(read_ahead);
        let mut offset = 0;
        for (index, &length) in lengths.iter().enumerate() {
            let tensor = tensors.next().await.unwrap().unwrap();
            assert_eq!((tensor.name(), tensor.byte_length()), (format!("t{index}").as_str(), length));
            let expected: Vec<_> = (offset..offset + length).map(byte_at).collect();
            assert_eq!(tensor.bytes, expected, "t{index}");
            // What was asked for and not given out yet, and this tensor.
            let held = asked.begun.load(Ordering::SeqCst) - offset;
            // The read that has the end of a tensor has others behind it.
            let needed = length + read_ahead.request_bytes.get();
            assert!(held <= read_ahead.bytes + needed, "{held} bytes at t{index}");
            offset += length;
        }
        assert!(tensors.next().await.is_none());
    });
    assert!(asked.most_under_way.load(Ordering::SeqCst) <= read_ahead.requests.get());
    let ranges = std::mem::take(&mut *asked.ranges.lock().unwrap());
    // Each byte once.
    let mut sorted = ranges.clone();
    sorted.sort_unstable_by_key(|range| range.start);
    let total: u64 = lengths.iter().sum();
    assert_eq!(sorted.iter().map(|range| range.end - range.start).sum::<u64>(), total);
    let begins = sorted.iter().skip(1).map(|range| range.start);
    assert!(sorted.iter().zip(begins).all(|(range, begin)| range.end == begin));
    assert!(ranges.iter().all(|range| range.end - range.start <= read_ahead.request_bytes.get()));
    ranges
}

#[test]
fn neighbours_share_reads() {
    let reads = check(&[100; 1000], u64::MAX / 2, ahead(1 << 20, 8, 10_000));
    assert_eq!(reads.len(), 10);
    // Each file is a request of its own, whatever the tensors are.
    assert_eq!(check(&[100; 1000], 25_000, ahead(1 << 20, 8, 1 << 20)).len(), 4);
}

#[test]
fn a_large_tensor_is_read_in_several_reads_at_once() {
    let (weights, asked) = model(&[64_000], 1 << 20, None);
    block_on(async {
        let reader = TensorReader::open(&weights).await.unwrap();
        let tensor = reader.stored_tensors(ahead(0, 4, 8_000)).next().await.unwrap().unwrap();
        assert_eq!(tensor.byte_length(), 64_000);
    });
    assert_eq!(asked.ranges.lock().unwrap().len(), 8);
    assert_eq!(asked.most_under_way.load(Ordering::SeqCst), 4);
}

#[test]
fn nothing_is_read_beyond_the_bound_until_it_is_wanted() {
    let (weights, asked) = model(&[1_000; 100], 1 << 20, None);
    block_on(async {
        let reader = TensorReader::open(&weights).await.unwrap();
        let mut tensors = reader.stored_tensors(ahead(10_000, 4, 1_000));
        assert_eq!(asked.begun.load(Ordering::SeqCst), 0);
        let first = tensors.next().await.unwrap().unwrap();
        assert_eq!(first.name(), "t0");
        assert!(asked.begun.load(Ordering::SeqCst) <= 10_000);
    });
}

#[test]
fn dropping_the_stream_ends_its_reads() {
    let (weights, asked) = model(&[1_000; 100], 1 << 20, None);
    block_on(async {
        let reader = TensorReader::open(&weights).await.unwrap();
        let mut tensors = reader.stored_tensors(ahead(100_000, 4, 1_000));
        assert!(tensors.next().now_or_never().is_none());
        assert!(asked.under_way.load(Ordering::SeqCst) > 0);
        drop(tensors);
    });
    assert_eq!(asked.under_way.load(Ordering::SeqCst), 0);
    assert!(asked.ranges.lock().unwrap().len() <= 4);
}

#[test]
fn an_error_names_the_tensor_and_ends_the_stream() {
    let (weights, _) = model(&[1_000; 10], 1 << 20, Some(3_500));
    let items: Vec<_> = block_on(async {
        let reader = TensorReader::open(&weights).await.unwrap();
        reader.tensors(ahead(100_000, 4, 1_000)).collect().await
    });
    assert_eq!(items.len(), 4);
    let error = items.last().unwrap().as_ref().unwrap_err();
    assert_eq!(error.to_string(), "cannot read: the bytes of tensor `t3` could not be read");
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(std::error::Error::source(error).unwrap().to_string().contains("injected"));
}

#[test]
fn a_tensor_that_cannot_be_decoded_does_not_end_the_stream() {
    let spec = |name: &str, dtype| WeightSpec::new(name, Shape::scalar(), dtype);
    let specs = vec![spec("a", DType::Float32), spec("b", DType::Other("int128".into())), spec("c", DType::Float32)];
    let weights = Weights::single(specs, RelPath::parse("w").unwrap(), vec![0; 24].into()).unwrap();
    let items: Vec<_> = block_on(async {
        TensorReader::open(&weights).await.unwrap().tensors(ReadAhead::new()).map(|item| item.is_ok()).collect().await
    });
    assert_eq!(items, [true, false, true]);
}

#[test]
fn what_is_in_memory_is_shared() {
    let bytes = Bytes::from(vec![1; 4_000]);
    let specs = (0..4).map(|index| WeightSpec::new(format!("t{index}"), Shape::vector(1_000).unwrap(), DType::Bool));
    let weights = Weights::single(specs.collect(), RelPath::parse("w").unwrap(), bytes.clone().into()).unwrap();
    block_on(async {
        let reader = TensorReader::open(&weights).await.unwrap();
        let stored: Vec<_> = reader.stored_tensors(ahead(0, 1, 10)).try_collect().await.unwrap();
        for (index, tensor) in stored.iter().enumerate() {
            assert_eq!(tensor.bytes.as_ptr(), bytes.slice(index * 1_000..).as_ptr());
        }
    });
}

#[test]
fn the_same_values_as_all_at_once() {
    let lengths = [3, 0, 500, 1, 1, 77, 2_000, 0, 9];
    let (weights, _) = model(&lengths, 100, None);
    block_on(async {
        let reader = TensorReader::open(&weights).await.unwrap();
        let streamed: Vec<_> = reader.tensors(ahead(300, 3, 64)).try_collect().await.unwrap();
        assert_eq!(streamed, decode_weights(&weights).await.unwrap());
    });
}

proptest! {
    #[test]
    fn any_tensors_in_any_files(
        lengths in prop::collection::vec(0u64..300, 1..30), file in 1u64..1_000,
        bytes in 0u64..2_000, requests in 1usize..6, request_bytes in 1u64..400,
    ) {
        check(&lengths, file, ahead(bytes, requests, request_bytes));
    }
}
