//! Managed detection: what SQL cannot do. The rest stands in sql/monitor.

mod follow;

use crate::error::{Result, fail};
use crate::jsonb::RawJsonb;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::{CStr, CString};

thread_local! {
    /// Whether a function on_event is being called in this session.
    static IS_CALLING: Cell<bool> = const { Cell::new(false) };
}

/// As long as it lives, a function on_event is being called. Errors are panics on their way through here, so that none
/// leaves it behind.
struct Calling {
    before: bool,
}

impl Calling {
    fn begin() -> Self {
        Self {
            before: IS_CALLING.replace(true),
        }
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        IS_CALLING.set(self.before);
    }
}

/// `tsad._is_calling()`: whether a function on_event is being called. No setting, which the function could change.
#[pg_extern(sql = false)]
fn _is_calling() -> bool {
    IS_CALLING.get()
}

/// `tsad._call_as_role(role, statement)`: as `tsad._as_role`, and `tsad._is_calling` is true meanwhile.
#[pg_extern(sql = false)]
fn _call_as_role(role: pg_sys::Oid, statement: &str) -> Result<Option<RawJsonb>> {
    let _calling = Calling::begin();
    _as_role(role, statement)
}

/// `tsad._role_in(text)`: the input of the type `tsad._role`, a role by its name. An
/// empty text is none.
///
/// Roles in tables of ours outlive the roles themselves. Were such a one dumped by its number, as the type `regrole`
/// writes it, it could be another role where the dump is restored.
///
/// # Errors
/// 42704 if there is no such role.
#[pg_extern(sql = false)]
fn _role_in(name: &CStr) -> Result<pg_sys::Oid> {
    if name.is_empty() {
        return Ok(pg_sys::InvalidOid);
    }
    // SAFETY: a look-up in the catalogue.
    let role = unsafe { pg_sys::get_role_oid(name.as_ptr(), true) };
    if role == pg_sys::InvalidOid {
        return Err(fail(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("role \"{}\" does not exist", name.to_string_lossy()),
            "Create it, or restore the roles of the server first: pg_dumpall --roles-only.",
        ));
    }
    Ok(role)
}

/// `tsad._role_out(role)`: the name of a role; empty where there is none any more.
#[pg_extern(sql = false)]
fn _role_out(role: pg_sys::Oid) -> CString {
    // SAFETY: a look-up in the catalogue; without the role it gives NULL, otherwise a valid C string.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        if name.is_null() {
            return CString::default();
        }
        CStr::from_ptr(name).to_owned()
    }
}

/// `tsad._may_commit()`: whether the calling procedure may end its transaction.
#[pg_extern(sql = false)]
fn _may_commit() -> bool {
    // SAFETY: looks at the innermost SPI connection, which is the caller's: this function opens none.
    unsafe { pg_sys::SPI_inside_nonatomic_context() }
}

/// `tsad._as_role(role, statement)`: runs a statement with the rights of a role that the caller has anyway, and
/// returns its only value.
///
/// As for a security-definer function, `SET ROLE` is refused within, so that a function of the role's cannot turn
/// into the caller, who may have more rights; the same is true of triggers that would fire later. Settings that it
/// changes, `search_path` among them, are what they were when it returns, whoever the caller is. (PostgreSQL does both
/// where it maintains an index with functions of its owner's.)
#[pg_extern(sql = false)]
fn _as_role(role: pg_sys::Oid, statement: &str) -> Result<Option<RawJsonb>> {
    let (mut caller, mut context) = (pg_sys::InvalidOid, 0);
    // SAFETY: both pointers are valid for the call.
    unsafe { pg_sys::GetUserIdAndSecContext(&mut caller, &mut context) };
    if caller == role {
        return Ok(run(statement));
    }
    // SAFETY: a look-up in the catalogue; without the role it gives NULL.
    if unsafe { pg_sys::GetUserNameFromId(role, true) }.is_null() {
        return Err(fail(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("the monitor belongs to role {role}, which does not exist any more"),
            "Give it to another one: SELECT tsad.alter_monitor('…', '{\"owner\": \"…\"}');",
        ));
    }
    // SAFETY: a look-up in the catalogue.
    if !unsafe { pg_sys::has_privs_of_role(caller, role) } {
        return Err(fail(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            "permission denied: the monitor belongs to another role",
            "Its owner and members of the owner's role may do this.",
        ));
    }
    let restricted =
        context | (pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION) as i32;
    // SAFETY: on an error the (sub)transaction that ends restores the user; otherwise it is restored below.
    unsafe { pg_sys::SetUserIdAndSecContext(role, restricted) };
    let result = run(statement);
    // SAFETY: the values of before.
    unsafe { pg_sys::SetUserIdAndSecContext(caller, context) };
    Ok(result)
}

/// What decides how a value is written as text, and so the key of a series: the same in every session.
const TEXT_OF_VALUES: [(&CStr, &CStr); 4] = [
    (c"datestyle", c"ISO"),
    (c"intervalstyle", c"postgres"),
    (c"extra_float_digits", c"1"),
    (c"bytea_output", c"hex"),
];

fn run(statement: &str) -> Option<RawJsonb> {
    // SAFETY: a level of settings, as of a function with a SET clause; on an error the (sub)transaction ends it.
    let level = unsafe { pg_sys::NewGUCNestLevel() };
    for (name, value) in TEXT_OF_VALUES {
        // SAFETY: both texts end with a zero byte; everybody may set these.
        unsafe {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
        }
    }
    let result = crate::spi::run_one::<RawJsonb>(statement);
    // SAFETY: the level from above; what the statement set is undone.
    unsafe { pg_sys::AtEOXact_GUC(false, level) };
    result
}
