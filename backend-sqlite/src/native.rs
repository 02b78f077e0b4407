//! The one place with `unsafe`: what SQLite can do for safety and libsql's safe interface does not offer.
//!
//! - Double-quoted names never fall back to string literals.
//! - The place of an error in its statement.
//! - A migration's own text cannot begin, commit or roll back a transaction: SQLite refuses to prepare such a statement,
//!   so nothing has happened when the error is there.
//! - A text that holds more than one statement is noticed, because libsql would run the first and forget the rest.
//! - Every page of the database is copied to another file, while others go on using it.
//!
//! All of it needs the raw handle, which libsql keeps private, while it lets every program register an *automatic
//! extension*: a function that SQLite calls with each handle that it opens. It is registered only for the moment in which
//! we open a connection, and takes only handles that are opened by the same thread.
#![expect(unsafe_code, reason = "the raw handle of a connection can only be used through SQLite's C interface")]

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use libsql::ffi;
use whimbrel_core::split::SEAL_SAVEPOINT;

thread_local! {
    /// Whether this thread is opening a connection whose handle is wanted.
    static WANTED: Cell<bool> = const { Cell::new(false) };
    /// The handle that this thread has opened since then.
    static OPENED: Cell<*mut ffi::sqlite3> = const { Cell::new(ptr::null_mut()) };
}

/// One registration at a time, for the whole process.
static REGISTRATION: Mutex<()> = Mutex::new(());

/// The raw handle of a connection.
///
/// It holds a connection of its own accord, so the handle cannot be closed while this value lives.
pub(crate) struct Native {
    handle: *mut ffi::sqlite3,
    /// The authorizer has its address; on the heap so that the address stays.
    watch: Arc<Watch>,
    _open: libsql::Connection,
}

/// What the authorizer is told, and what it tells.
///
/// It stays registered for as long as [`Native`] lives and is switched here: to register one makes SQLite prepare every
/// statement of the connection anew.
#[derive(Default)]
struct Watch {
    /// Whether transaction control is refused now.
    forbids: AtomicBool,
    /// Whether something was refused since the last [`Native::forbid_transaction_control`].
    refused: AtomicBool,
}

// SAFETY: libsql refuses to run unless SQLite is configured as `SERIALIZED`, in which every function on a handle may be
// called from any thread. The other fields are `Send` and `Sync` themselves.
unsafe impl Send for Native {}
// SAFETY: as above.
unsafe impl Sync for Native {}

/// Opens a connection with `connect` and takes its handle; `None` beside the connection where it is not a local one.
///
/// # Errors
///
/// What `connect` answers.
pub(crate) async fn open(
    connect: impl FnOnce() -> Result<libsql::Connection, libsql::Error>,
) -> Result<(libsql::Connection, Option<Native>), libsql::Error> {
    // libsql configures SQLite's threads once, before anything else may touch the library: this makes it do so.
    libsql::Builder::new_local(":memory:").build().await?;
    let (connection, handle) = capture(connect)?;
    let native = (!handle.is_null()).then(|| Native::new(handle, connection.clone()));
    Ok((connection, native))
}

fn capture(
    connect: impl FnOnce() -> Result<libsql::Connection, libsql::Error>,
) -> Result<(libsql::Connection, *mut ffi::sqlite3), libsql::Error> {
    let _turn = REGISTRATION.lock().unwrap_or_else(PoisonError::into_inner);
    let _wanted = Wanted::begin();
    let connection = connect()?;
    Ok((connection, OPENED.take()))
}

/// The time in which handles are wanted; its end is certain, also when opening panics.
struct Wanted;

impl Wanted {
    fn begin() -> Self {
        OPENED.set(ptr::null_mut());
        WANTED.set(true);
        // SAFETY: `opened` has the signature of an entry point and is never unloaded. SQLite was initialised by libsql.
        unsafe { ffi::sqlite3_auto_extension(Some(opened)) };
        Self
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        // SAFETY: takes the same function off the list again; SQLite compares the addresses only.
        unsafe { ffi::sqlite3_cancel_auto_extension(Some(opened)) };
        WANTED.set(false);
    }
}

/// SQLite calls this with every handle that is opened while it is registered, by whichever thread.
unsafe extern "C" fn opened(
    handle: *mut ffi::sqlite3,
    _message: *mut *const c_char,
    _routines: *const ffi::sqlite3_api_routines,
) -> c_int {
    if WANTED.try_with(Cell::get).unwrap_or(false) {
        let _ = OPENED.try_with(|cell| cell.set(handle));
    }
    ffi::SQLITE_OK
}

impl Native {
    fn new(handle: *mut ffi::sqlite3, open: libsql::Connection) -> Self {
        let watch = Arc::<Watch>::default();
        // SAFETY: the handle is open (`open`). `authorize` only reads through the pointer while it is registered, and
        // `drop` takes it off before the value that it points to, which `watch` owns, can go.
        unsafe {
            ffi::sqlite3_set_authorizer(handle, Some(authorize), Arc::as_ptr(&watch).cast_mut().cast());
        }
        Self { handle, watch, _open: open }
    }

    /// Makes a double-quoted name that names nothing an error, in statements and in the schema; whether SQLite agreed.
    #[must_use]
    pub(crate) fn forbid_double_quoted_strings(&self) -> bool {
        [ffi::SQLITE_DBCONFIG_DQS_DML, ffi::SQLITE_DBCONFIG_DQS_DDL].into_iter().all(|option| {
            let mut now: c_int = 1;
            // SAFETY: the handle is open (`_open`). Both options take an `int` and a pointer to an `int` for the answer.
            let answer = unsafe { ffi::sqlite3_db_config(self.handle, option, 0 as c_int, &raw mut now) };
            answer == ffi::SQLITE_OK && now == 0
        })
    }

    /// Where in the text of the statement that failed last the error is, in bytes; `None` where SQLite cannot tell.
    #[must_use]
    pub(crate) fn error_offset(&self) -> Option<usize> {
        // SAFETY: the handle is open (`_open`).
        usize::try_from(unsafe { ffi::sqlite3_error_offset(self.handle) }).ok()
    }

    /// From now on until the guard is dropped, SQLite refuses to prepare what controls the transaction.
    #[must_use]
    pub(crate) fn forbid_transaction_control(&self) -> TransactionGuard<'_> {
        self.watch.refused.store(false, Ordering::Relaxed);
        self.watch.forbids.store(true, Ordering::Relaxed);
        TransactionGuard { watch: &self.watch }
    }

    /// Where the first statement of `sql` ends, in bytes, if a second one (or anything that is not white space, a comment
    /// or `;`) follows it.
    #[must_use]
    pub(crate) fn second_statement(&self, sql: &str) -> Option<usize> {
        let mut at = self.end_of_first(sql)?;
        let first = at;
        while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
            match self.prepare(rest) {
                Prepared::Nothing(0) => return None,
                Prepared::Nothing(length) => at += length,
                Prepared::Statement(_) | Prepared::Refused => return Some(first),
            }
        }
        None
    }

    /// Copies every page of the database into the empty file at `path`, which is not flushed to the disk. In between,
    /// `go_on` is asked; where it says no, the copy is left as it is.
    ///
    /// The caller has begun to read in a transaction of this connection, so that all pages are of one moment.
    ///
    /// # Errors
    ///
    /// SQLite's, and `SQLITE_INTERRUPT` where `go_on` said no.
    pub(crate) fn copy_pages(&self, path: &CStr, go_on: &dyn Fn() -> bool) -> Result<(), libsql::Error> {
        let destination = Destination::open(path)?;
        let copying = Copying::begin(&destination, self)?;
        while !copying.step()? {
            if !go_on() {
                return Err(failure(ffi::SQLITE_INTERRUPT));
            }
        }
        copying.finish()
    }

    fn end_of_first(&self, sql: &str) -> Option<usize> {
        match self.prepare(sql) {
            Prepared::Statement(length) => Some(length),
            Prepared::Nothing(_) | Prepared::Refused => None,
        }
    }

    fn prepare(&self, sql: &str) -> Prepared {
        let Ok(length) = c_int::try_from(sql.len()) else { return Prepared::Refused };
        let mut statement = ptr::null_mut();
        let mut tail = ptr::null();
        let start = sql.as_ptr().cast::<c_char>();
        // SAFETY: the handle is open (`_open`); `start` points to `length` bytes that outlive the call; both answers are
        // written to locals.
        let code = unsafe { ffi::sqlite3_prepare_v2(self.handle, start, length, &raw mut statement, &raw mut tail) };
        let nothing = statement.is_null();
        // SAFETY: finalizing what was just prepared, or null, which does nothing.
        unsafe { ffi::sqlite3_finalize(statement) };
        if code != ffi::SQLITE_OK || tail.is_null() {
            return Prepared::Refused;
        }
        let used = (tail as usize).saturating_sub(start as usize).min(sql.len());
        if nothing { Prepared::Nothing(used) } else { Prepared::Statement(used) }
    }
}

/// The file that a copy is written to, on a connection of its own.
struct Destination(*mut ffi::sqlite3);

impl Destination {
    /// Opens a file that is there.
    fn open(path: &CStr) -> Result<Self, libsql::Error> {
        let mut handle = ptr::null_mut();
        // SAFETY: `path` is a C string that outlives the call, the handle is written to a local. SQLite was initialised
        // when the connection that is copied was opened.
        let code =
            unsafe { ffi::sqlite3_open_v2(path.as_ptr(), &raw mut handle, ffi::SQLITE_OPEN_READWRITE, ptr::null()) };
        // Also after a failure there may be a handle to be closed.
        let destination = Self(handle);
        checked(code)?;
        // A copy that did not come to its end is thrown away, so nothing of it has to be brought back.
        destination.execute(c"PRAGMA journal_mode = OFF")?;
        destination.execute(c"PRAGMA synchronous = OFF")?;
        Ok(destination)
    }

    fn execute(&self, sql: &CStr) -> Result<(), libsql::Error> {
        // SAFETY: the handle is open until `self` is dropped; `sql` outlives the call; there is no callback and no answer.
        checked(unsafe { ffi::sqlite3_exec(self.0, sql.as_ptr(), None, ptr::null_mut(), ptr::null_mut()) })
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        // SAFETY: the handle was opened by `open` and is closed once; a null pointer does nothing. What used it borrows
        // `self`, so nothing does any more.
        unsafe { ffi::sqlite3_close(self.0) };
    }
}

/// A copy under way.
struct Copying<'a> {
    copy: *mut ffi::sqlite3_backup,
    _between: (&'a Destination, &'a Native),
}

impl<'a> Copying<'a> {
    /// How many pages are copied before someone may stop it.
    const PAGES: c_int = 256;

    fn begin(destination: &'a Destination, source: &'a Native) -> Result<Self, libsql::Error> {
        // SAFETY: both handles are open for as long as this value borrows their owners; the names are C strings.
        let copy =
            unsafe { ffi::sqlite3_backup_init(destination.0, c"main".as_ptr(), source.handle, c"main".as_ptr()) };
        if copy.is_null() {
            // SAFETY: the handle is open; SQLite tells there why there is no copy.
            return Err(failure(unsafe { ffi::sqlite3_extended_errcode(destination.0) }));
        }
        Ok(Self { copy, _between: (destination, source) })
    }

    /// Copies some pages; whether those were the last.
    fn step(&self) -> Result<bool, libsql::Error> {
        // SAFETY: the copy is under way until `finish` or the end of this value.
        match unsafe { ffi::sqlite3_backup_step(self.copy, Self::PAGES) } {
            ffi::SQLITE_DONE => Ok(true),
            code => checked(code).map(|()| false),
        }
    }

    fn finish(mut self) -> Result<(), libsql::Error> {
        let copy = std::mem::replace(&mut self.copy, ptr::null_mut());
        // SAFETY: it is finished once, because the pointer was taken out.
        checked(unsafe { ffi::sqlite3_backup_finish(copy) })
    }
}

impl Drop for Copying<'_> {
    fn drop(&mut self) {
        // SAFETY: finished once; a null pointer, which `finish` left, does nothing.
        unsafe { ffi::sqlite3_backup_finish(self.copy) };
    }
}

fn checked(code: c_int) -> Result<(), libsql::Error> {
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(failure(code)) }
}

/// A code with SQLite's words for it.
fn failure(code: c_int) -> libsql::Error {
    // SAFETY: SQLite answers with a C string that is never freed.
    let message = unsafe { CStr::from_ptr(ffi::sqlite3_errstr(code)) };
    libsql::Error::SqliteFailure(code, message.to_string_lossy().into_owned())
}

/// What preparing a text gave, with the bytes that it used.
enum Prepared {
    Statement(usize),
    Nothing(usize),
    Refused,
}

/// While it lives, transaction control is refused.
pub(crate) struct TransactionGuard<'a> {
    watch: &'a Watch,
}

impl TransactionGuard<'_> {
    /// Whether something was refused.
    #[must_use]
    pub(crate) fn refused(&self) -> bool {
        self.watch.refused.load(Ordering::Relaxed)
    }
}

impl Drop for TransactionGuard<'_> {
    fn drop(&mut self) {
        self.watch.forbids.store(false, Ordering::Relaxed);
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // SAFETY: the handle is open (`_open` is dropped after this).
        unsafe { ffi::sqlite3_set_authorizer(self.handle, None, ptr::null_mut()) };
    }
}

/// SQLite asks this for everything that a statement being prepared wants to do.
unsafe extern "C" fn authorize(
    watch: *mut c_void,
    action: c_int,
    operation: *const c_char,
    name: *const c_char,
    _database: *const c_char,
    _trigger: *const c_char,
) -> c_int {
    let forbidden = match action {
        ffi::SQLITE_TRANSACTION => true,
        ffi::SQLITE_SAVEPOINT => {
            // SAFETY: for this action SQLite passes the operation and the savepoint's name, each null or a C string that
            // lives during the call.
            let (operation, name) = unsafe { (text(operation), text(name)) };
            operation != b"BEGIN" && name.eq_ignore_ascii_case(SEAL_SAVEPOINT.as_bytes())
        }
        _ => false,
    };
    if !forbidden {
        return ffi::SQLITE_OK;
    }
    // SAFETY: the pointer is that of the value which `Native` owns; see `Native::new`.
    match unsafe { watch.cast::<Watch>().as_ref() } {
        Some(watch) if watch.forbids.load(Ordering::Relaxed) => {
            watch.refused.store(true, Ordering::Relaxed);
            ffi::SQLITE_DENY
        }
        _ => ffi::SQLITE_OK,
    }
}

/// # Safety
///
/// `text` is null or a C string that outlives the use of the answer.
unsafe fn text<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() {
        return b"";
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

#[cfg(test)]
mod tests;
