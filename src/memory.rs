//! Memory that runs out is an error, not the end of the server.
//!
//! Rust code that takes memory in the ordinary way (`vec![…]`, `collect`, `clone`, and so the core and all it is built
//! on) aborts the process where there is none: the postmaster then ends all sessions. An allocator may not unwind, so
//! neither a panic nor PostgreSQL's `ereport` may come out of one. But it may never return. So:
//!
//! - The core runs on a stack of its own ([`guarded`], [`Kept`]). Where an allocation fails there, the allocator
//!   switches back to the stack of the backend, for good; the memory taken since is given back, for all of it is on a
//!   list, and the caller gets an error of SQLSTATE 53200. Nothing of PostgreSQL is called on that stack
//!   ([`on_main_stack`]), and what runs there shares nothing with the outside but what it reads.
//! - Outside, what grows with rows grows by [`push`] and [`copy`], which say so where there is no room.
//! - What is small and outside (a key, a message) has a reserve, which [`settle`] fills up again, or fails.

use crate::error::{Result, fail};
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use std::sync::{Mutex, Once, PoisonError};

/// Bytes of the stack that the core runs on, as many as a thread of Rust has. Address space, until used.
const STACK: usize = 2 << 20;
/// Bytes kept back for what cannot fail. Address space only.
const RESERVE: usize = 4 << 20;

// A backend has one thread, which alone puts anything here; the atomics are for the compiler. In the program that
// starts the tests inside a server other threads allocate, and find these empty.

/// The list that new allocations join, while the core runs.
static LIST: AtomicPtr<Header> = AtomicPtr::new(ptr::null_mut());
/// The way back from the core's stack, while it is on it.
static WAY_BACK: AtomicPtr<Yielder<(), usize>> = AtomicPtr::new(ptr::null_mut());
/// What is kept back.
static KEPT_BACK: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
/// The stack, while nothing runs on it.
static IDLE: Mutex<Option<DefaultStack>> = Mutex::new(None);

// ---- the allocator ---------------------------------------------------------------------------------------------------

/// The system's allocator with a header before each allocation.
struct Listed;

#[global_allocator]
static ALLOCATOR: Listed = Listed;

/// What stands before an allocation.
#[repr(C)]
struct Header {
    /// Neighbours in a list that goes round; null outside of one.
    previous: *mut Header,
    next: *mut Header,
    /// Of the whole, header included.
    layout: Layout,
}

/// The layout with room for the header, and how far into it the allocation begins.
fn with_header(layout: Layout) -> Option<(Layout, usize)> {
    let (whole, offset) = Layout::new::<Header>().extend(layout).ok()?;
    Some((whole, offset))
}

impl Listed {
    /// Takes memory and puts it on the list.
    ///
    /// # Safety
    /// `take` must return null or memory of the layout that it is given, and do the same when called again.
    unsafe fn take(layout: Layout, take: impl Fn(Layout) -> *mut u8) -> *mut u8 {
        let Some((whole, offset)) = with_header(layout) else {
            return ptr::null_mut();
        };
        let mut base = take(whole);
        if base.is_null() {
            run_out(whole.size());
            base = take(whole);
            if base.is_null() {
                return base;
            }
        }
        // SAFETY: the memory is large enough for the header, which ends where the allocation begins.
        unsafe {
            let at = base.add(offset);
            let header = header(at);
            header.write(Header {
                previous: ptr::null_mut(),
                next: ptr::null_mut(),
                layout: whole,
            });
            join(header, LIST.load(Relaxed));
            at
        }
    }
}

// SAFETY: memory is that of the system's allocator, moved by a header; the layouts are the same on all ways. Nothing
// unwinds. Where `run_out` does not return, the code that asked never runs again.
unsafe impl GlobalAlloc for Listed {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the system's allocator does what is asked for; the size is not zero, for there is a header.
        unsafe { Self::take(layout, |l| System.alloc(l)) }
    }

    #[inline(never)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { Self::take(layout, |l| System.alloc_zeroed(l)) }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, at: *mut u8, _: Layout) {
        // SAFETY: the caller vouches that it came from here, so it has a header.
        unsafe {
            let header = header(at);
            leave(header);
            give_back(header);
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else {
            return ptr::null_mut();
        };
        let (Some((whole, offset)), Some((new, _))) = (with_header(layout), with_header(wanted)) else {
            return ptr::null_mut();
        };
        // SAFETY: the caller vouches that it came from here with that layout. The alignment is the same, and so is where
        // the allocation begins. While the memory may move it is on no list; where it is left for good before it is on
        // one again, it goes with its list.
        unsafe {
            let base = at.sub(offset);
            let old = header(at);
            let (previous, next) = ((*old).previous, (*old).next);
            let mut moved = System.realloc(base, whole, new.size());
            if moved.is_null() {
                run_out(new.size());
                moved = System.realloc(base, whole, new.size());
                if moved.is_null() {
                    return moved;
                }
            }
            let at = moved.add(offset);
            let header = header(at);
            (*header).layout = new;
            if !previous.is_null() {
                (*previous).next = header;
                (*next).previous = header;
            }
            at
        }
    }
}

/// The header of an allocation.
///
/// The compiler knows what an allocator is: that nothing lies before what one returns, and that nobody else writes
/// there. Neighbours in a list do; so the pointer comes from where the compiler cannot look, and, which the others see to
/// by not being inlined, to where it cannot either.
///
/// # Safety
/// `at` must lie at least a header behind the beginning of the memory.
unsafe fn header(at: *mut u8) -> *mut Header {
    // SAFETY: the caller vouches for it. An allocation begins at a multiple of the header's alignment.
    unsafe { std::hint::black_box(at).sub(size_of::<Header>()).cast() }
}

/// Puts an allocation on a list, if there is one.
///
/// # Safety
/// It must be on none; the list must be null or go round.
unsafe fn join(header: *mut Header, list: *mut Header) {
    if list.is_null() {
        return;
    }
    // SAFETY: the caller vouches for both.
    unsafe {
        (*header).previous = list;
        (*header).next = (*list).next;
        (*(*list).next).previous = header;
        (*list).next = header;
    }
}

/// Takes an allocation from its list, if it is on one.
///
/// # Safety
/// The header must be one.
unsafe fn leave(header: *mut Header) {
    // SAFETY: the neighbours in a list are headers.
    unsafe {
        if !(*header).next.is_null() {
            (*(*header).previous).next = (*header).next;
            (*(*header).next).previous = (*header).previous;
        }
    }
}

/// Gives the memory of an allocation back to the system.
///
/// # Safety
/// It must be on no list, and not be used any more.
unsafe fn give_back(header: *mut Header) {
    // SAFETY: the header tells the layout that the memory was taken with. It ends where the allocation begins, so that
    // the memory begins where the alignment says.
    unsafe {
        let whole = (*header).layout;
        let at = header.cast::<u8>().add(size_of::<Header>());
        let offset = size_of::<Header>().next_multiple_of(whole.align());
        System.dealloc(at.sub(offset), whole);
    }
}

/// There is no memory. On the core's stack this does not return; elsewhere the reserve is given back.
fn run_out(size: usize) {
    let list = LIST.load(Relaxed);
    // What is dropped on the way out needs little.
    if !list.is_null() && !std::thread::panicking() {
        let way_back = WAY_BACK.load(Relaxed);
        LIST.store(ptr::null_mut(), Relaxed);
        WAY_BACK.store(ptr::null_mut(), Relaxed);
        // SAFETY: it is set as long as this stack runs, which nobody will continue.
        unsafe { (*way_back).suspend(size) };
        std::process::abort();
    }
    release_reserve();
}

fn release_reserve() {
    let reserve = KEPT_BACK.swap(ptr::null_mut(), Relaxed);
    if !reserve.is_null() {
        // SAFETY: it was taken with that layout.
        unsafe { System.dealloc(reserve, RESERVE_LAYOUT) };
    }
}

const RESERVE_LAYOUT: Layout = match Layout::from_size_align(RESERVE, 16) {
    Ok(layout) => layout,
    Err(_) => Layout::new::<u8>(),
};

// ---- lists -----------------------------------------------------------------------------------------------------------

/// A list of allocations: its ends meet here.
struct List(*mut Header);

impl List {
    fn new() -> Self {
        // Not kept as a box, to which nobody else may point.
        let end = Box::into_raw(Box::new(Header {
            previous: ptr::null_mut(),
            next: ptr::null_mut(),
            layout: Layout::new::<Header>(),
        }));
        // SAFETY: it is ours.
        unsafe { ((*end).previous, (*end).next) = (end, end) };
        Self(end)
    }

    /// Moves all allocations to another list.
    fn move_to(&self, other: &Self) {
        let (from, to) = (self.0, other.0);
        // SAFETY: both lists go round.
        unsafe {
            let (first, last) = ((*from).next, (*from).previous);
            if first == from {
                return;
            }
            ((*from).previous, (*from).next) = (from, from);
            ((*first).previous, (*last).next) = (to, (*to).next);
            (*(*to).next).previous = last;
            (*to).next = first;
        }
    }

    /// Lets all allocations go on by themselves.
    fn release(&self) {
        while let Some(header) = self.first() {
            // SAFETY: it is on the list.
            unsafe {
                leave(header);
                ((*header).previous, (*header).next) = (ptr::null_mut(), ptr::null_mut());
            }
        }
    }

    /// Gives all allocations back.
    ///
    /// # Safety
    /// None of them may be used any more.
    unsafe fn give_back(&self) {
        while let Some(header) = self.first() {
            // SAFETY: it is on the list; the caller vouches that nobody needs it.
            unsafe {
                leave(header);
                give_back(header);
            }
        }
    }

    fn first(&self) -> Option<*mut Header> {
        // SAFETY: the list goes round.
        let first = unsafe { (*self.0).next };
        (first != self.0).then_some(first)
    }
}

impl Drop for List {
    fn drop(&mut self) {
        self.release();
        // SAFETY: it was a box, and no allocation refers to it any more.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

// ---- the core's stack ------------------------------------------------------------------------------------------------

/// Runs code of the core, or any that calls nothing of PostgreSQL; `check` of [`crate::interrupt`] may be called.
///
/// That it is `Fn` keeps it from changing what is outside, where something half done would stay behind. For the same
/// reason it must not count references up (`Rc::clone`): borrow.
///
/// # Errors
/// 53200 if there was no memory; all it took is given back.
pub(crate) fn guarded<T>(run: impl Fn() -> T) -> Result<T> {
    settle()?;
    if !WAY_BACK.load(Relaxed).is_null() {
        return Ok(run());
    }
    run_on_its_stack(&List::new(), run)
}

/// A value of the core's that lives on, with all the memory that belongs to it.
pub(crate) struct Kept<T> {
    /// None once memory ran out: what was left of the value is gone.
    value: Option<ManuallyDrop<T>>,
    list: List,
}

impl<T> Kept<T> {
    /// Makes one as [`guarded`] would.
    ///
    /// # Errors
    /// As [`guarded`].
    pub(crate) fn new(make: impl Fn() -> T) -> Result<Self> {
        settle()?;
        let list = List::new();
        let value = run_on_its_list(&list, make)?;
        Ok(Self {
            value: Some(ManuallyDrop::new(value)),
            list,
        })
    }

    /// The value, unless memory ran out.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_deref()
    }

    /// Works on the value; what comes back is a copy that does not belong to it.
    ///
    /// # Errors
    /// As [`guarded`]; the value is gone then.
    pub(crate) fn with<R: Clone>(&mut self, run: impl Fn(&mut T) -> R) -> Result<R> {
        settle()?;
        let Some(value) = self.value.take() else {
            return Err(out_of_memory(0));
        };
        let value = Cell::new(Some(value));
        let new = List::new();
        let ran = catch_unwind(AssertUnwindSafe(|| {
            run_on_its_list(&new, || {
                let mut value = value.take()?;
                let out = catch_unwind(AssertUnwindSafe(|| run(&mut value)));
                Some((value, out))
            })
        }));
        match ran {
            Ok(Ok(Some((value, out)))) => {
                self.value = Some(value);
                match out {
                    Ok(out) => {
                        new.move_to(&self.list);
                        let copy = out.clone();
                        drop(out);
                        Ok(copy)
                    }
                    // What was taken since lives on by itself, for the panic is part of it.
                    Err(panic) => {
                        new.release();
                        resume_unwind(panic)
                    }
                }
            }
            Ok(Ok(None)) => Err(out_of_memory(0)),
            Ok(Err(error)) => {
                // SAFETY: the value was left for good; nobody else knows its memory.
                unsafe { self.list.give_back() };
                Err(error)
            }
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            drop(ManuallyDrop::into_inner(value));
        }
    }
}

/// As [`run_on_its_list`]; afterwards the memory goes on by itself.
fn run_on_its_stack<T>(list: &List, run: impl FnOnce() -> T) -> Result<T> {
    let out = catch_unwind(AssertUnwindSafe(|| run_on_its_list(list, run)));
    list.release();
    out.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Runs on the core's stack; what is taken joins the list, and is given back where there is none left.
fn run_on_its_list<T>(list: &List, run: impl FnOnce() -> T) -> Result<T> {
    static PREPARED: Once = Once::new();
    // What stays must not be on a list.
    PREPARED.call_once(tsad_core::prepare);
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let stack = match idle {
        Some(stack) => stack,
        None => DefaultStack::new(STACK).map_err(|_| out_of_memory(STACK))?,
    };
    let end = list.0;
    let body = |way_back: &Yielder<(), usize>, ()| {
        WAY_BACK.store(ptr::from_ref(way_back).cast_mut(), Relaxed);
        LIST.store(end, Relaxed);
        let out = catch_unwind(AssertUnwindSafe(run));
        LIST.store(ptr::null_mut(), Relaxed);
        WAY_BACK.store(ptr::null_mut(), Relaxed);
        out
    };
    // SAFETY: it ends, or is left for good, before this function returns: what it borrows lives longer.
    let mut routine = unsafe { Coroutine::with_stack_unchecked(stack, body) };
    let out = match routine.resume(()) {
        CoroutineResult::Return(out) => Ok(out),
        CoroutineResult::Yield(size) => {
            // SAFETY: frames are left without dropping what they hold. That is all memory, and on the list: the core
            // opens nothing, locks nothing, and lends nothing to others.
            unsafe {
                routine.force_reset();
                list.give_back();
            }
            Err(size)
        }
    };
    *IDLE.lock().unwrap_or_else(PoisonError::into_inner) = Some(routine.into_stack());
    match out {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(panic)) => resume_unwind(panic),
        Err(size) => Err(out_of_memory(size)),
    }
}

/// Runs what calls PostgreSQL, which measures its stack and jumps within it. An error of PostgreSQL unwinds as ever.
pub(crate) fn on_main_stack(run: fn()) {
    let way_back = WAY_BACK.swap(ptr::null_mut(), Relaxed);
    if way_back.is_null() {
        return run();
    }
    let list = LIST.swap(ptr::null_mut(), Relaxed);
    // SAFETY: it is set as long as the core's stack runs, which it does: it called this.
    let out = unsafe { (*way_back).on_parent_stack(|| catch_unwind(run)) };
    LIST.store(list, Relaxed);
    WAY_BACK.store(way_back, Relaxed);
    if let Err(panic) = out {
        resume_unwind(panic)
    }
}

// ---- outside of it ---------------------------------------------------------------------------------------------------

/// Sees to it that there is a reserve. Call it before, and now and then while, something small is made.
///
/// # Errors
/// 53200 if there is no memory for it.
pub(crate) fn settle() -> Result<()> {
    if !KEPT_BACK.load(Relaxed).is_null() {
        return Ok(());
    }
    // SAFETY: the size is not zero.
    let reserve = unsafe { System.alloc(RESERVE_LAYOUT) };
    if reserve.is_null() {
        return Err(out_of_memory(RESERVE));
    }
    KEPT_BACK.store(reserve, Relaxed);
    Ok(())
}

/// Sees to it that the server, too, can take something small, and tell an error: where it has no byte left for that, it
/// ends all sessions. Call it before each row that it is handed, and before it is asked for rows.
///
/// # Errors
/// 53200 if there is no memory for that.
pub(crate) fn spare() -> Result<()> {
    settle()?;
    // Below what malloc would take from the system each time.
    room(&mut Vec::<u8>::new(), 100 << 10)
}

/// As long as it lives, the reserve is given back where the server reports anything, before the report leaves it: what
/// pgrx copies of an error may need a megabyte, for that is the least by which a large memory context grows, and where
/// that fails again and again the server panics.
pub(crate) struct RoomForErrors(*mut pg_sys::ErrorContextCallback);

impl RoomForErrors {
    /// Must be dropped before anything that was there before, as locals are.
    pub(crate) fn new() -> Self {
        unsafe extern "C-unwind" fn release(_: *mut c_void) {
            release_reserve();
        }
        let callback = Box::new(pg_sys::ErrorContextCallback {
            // SAFETY: a backend has one thread.
            previous: unsafe { pg_sys::error_context_stack },
            callback: Some(release),
            arg: ptr::null_mut(),
        });
        let callback = Box::into_raw(callback);
        // SAFETY: it lives until it is taken from the stack.
        unsafe { pg_sys::error_context_stack = callback };
        Self(callback)
    }
}

impl Drop for RoomForErrors {
    fn drop(&mut self) {
        // SAFETY: it is ours, and whoever stood above it has gone.
        unsafe {
            let callback = Box::from_raw(self.0);
            pg_sys::error_context_stack = callback.previous;
        }
    }
}

/// Adds to a list that grows with rows.
///
/// # Errors
/// 53200 if there is no room.
pub(crate) fn push<T>(list: &mut Vec<T>, value: T) -> Result<()> {
    if list.len() == list.capacity() {
        room(list, 1)?;
    }
    list.push(value);
    Ok(())
}

/// Makes room in a list.
///
/// # Errors
/// 53200 if there is none.
pub(crate) fn room<T>(list: &mut Vec<T>, more: usize) -> Result<()> {
    let size = more.saturating_mul(size_of::<T>());
    list.try_reserve(more).map_err(|_| out_of_memory(size))
}

/// A copy.
///
/// # Errors
/// 53200 if there is no room.
pub(crate) fn copy<T: Copy>(list: &[T]) -> Result<Vec<T>> {
    let mut copy = Vec::new();
    room(&mut copy, list.len())?;
    copy.extend_from_slice(list);
    Ok(copy)
}

/// Sees to it that what is about to be made by code that cannot fail has room.
///
/// # Errors
/// 53200 if there is none.
pub(crate) fn probe(bytes: usize) -> Result<()> {
    room(&mut Vec::<u8>::new(), bytes)?;
    settle()
}

/// Whether an error says that there was no memory. A report does not tell its SQLSTATE; the message of ours is known.
pub(crate) fn is_out_of_memory(error: &ErrorReport) -> bool {
    error.message().starts_with(OUT_OF_MEMORY)
}

/// What the messages of all such errors begin with, those of the core too.
const OUT_OF_MEMORY: &str = "out of memory";

/// The error where `size` bytes could not be had; 0 stands for an unknown number.
pub(crate) fn out_of_memory(size: usize) -> ErrorReport {
    fail(
        PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
        match size {
            0 => OUT_OF_MEMORY.to_owned(),
            size => format!("{OUT_OF_MEMORY}: another {size} bytes could not be had"),
        },
        "Take fewer rows (a shorter time range, a smaller \"max_training_points\"), fewer columns, or fewer or shorter \
         window lengths (\"scales\"); or raise the limit on memory of the server's processes.",
    )
}

#[cfg(any(test, feature = "pg_test"))]
#[pgrx::prelude::pg_schema]
#[allow(
    clippy::expect_used,
    clippy::panic,
    reason = "clippy.toml's exception for tests knows only cfg(test)"
)]
mod tests {
    use super::*;
    use pgrx::prelude::*;

    /// More than any machine has.
    const TOO_MUCH: usize = 1 << 46;

    /// Megabytes of this process.
    fn size() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
        let pages: usize = statm
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .expect("a number");
        pages / 256
    }

    fn fails<T>(result: Result<T>) {
        let error = result.err().expect("there is no such memory");
        assert!(is_out_of_memory(&error));
        assert!(error.hint().is_some());
    }

    #[pg_test]
    fn what_cannot_be_had_is_an_error_and_nothing_stays() {
        let run = || {
            let held: Vec<Vec<u8>> = (0..64).map(|i| vec![i; 1 << 20]).collect();
            crate::interrupt::check();
            let mut grown = held[0].clone();
            grown.reserve(TOO_MUCH);
            held.len() + grown.len()
        };
        fails(guarded(run));
        let before = size();
        for _ in 0..20 {
            fails(guarded(run));
        }
        assert!(size() < before + 32, "{before} MB became {} MB", size());
        assert_eq!(guarded(|| vec![1, 2, 3]).expect("there is memory").len(), 3);
    }

    #[pg_test]
    fn what_comes_back_lives_on() {
        let list = guarded(|| (0..1000).map(|i| i.to_string()).collect::<Vec<_>>()).expect("memory");
        fails(guarded(|| vec![0_u8; TOO_MUCH]));
        let longer: Vec<String> = list.into_iter().map(|s| s + "!").collect();
        assert_eq!(longer[999], "999!");
    }

    #[pg_test]
    fn a_kept_value_goes_with_its_memory() {
        let mut kept = Kept::new(|| vec![vec![7_u8; 1 << 20]; 4]).expect("memory");
        let copy = kept.with(|list| {
            list.push(vec![8; 1 << 20]);
            list[4].clone()
        });
        let copy = copy.expect("memory");
        assert_eq!((kept.get().map(Vec::len), copy[0]), (Some(5), 8));
        fails(kept.with(|list| {
            list.push(Vec::new());
            list[5].reserve(TOO_MUCH);
        }));
        assert!(kept.get().is_none());
        fails(kept.with(|list| list.len()));
        assert_eq!(copy.len(), 1 << 20);
    }

    #[pg_test]
    fn a_panic_comes_through() {
        let mut kept = Kept::new(|| vec![1]).expect("memory");
        let inside = catch_unwind(AssertUnwindSafe(|| {
            kept.with(|_| -> usize { panic!("{}", "x".repeat(100)) })
        }));
        assert!(inside.is_err());
        assert_eq!(kept.with(|list| list.len()).expect("memory"), 1);
        let message = catch_unwind(|| guarded(|| -> usize { panic!("{}", "y".repeat(100)) }));
        assert!(message.is_err());
        assert!(WAY_BACK.load(Relaxed).is_null() && LIST.load(Relaxed).is_null());
    }

    #[pg_test]
    fn without_a_core_the_reserve_helps_once() {
        settle().expect("memory");
        let mut list: Vec<u8> = Vec::new();
        assert!(list.try_reserve(TOO_MUCH).is_err());
        assert!(KEPT_BACK.load(Relaxed).is_null());
        settle().expect("memory");
        fails(push_all(&mut list));
        assert!(!KEPT_BACK.load(Relaxed).is_null() || settle().is_ok());
    }

    fn push_all(list: &mut Vec<u8>) -> Result<()> {
        room(list, TOO_MUCH)
    }
}
