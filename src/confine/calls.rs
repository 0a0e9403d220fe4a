//! Which calls of Linux the process may make at all. Those that a server has no use for and an intruder would have are
//! answered with EPERM (seccomp), for good and for all threads that come after. It is a list of what is shut and not of what
//! is open, so that no harmless call of a newer C library ever ends the server.
use super::Confinement;
use libc::{CLONE_THREAD, c_int, c_long};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};
use std::{collections::BTreeMap, env::consts::ARCH, thread};

/// Other programs, and other processes.
const PROCESSES: [c_long; 8] = [
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
];

/// The tree of files: mounts, another root, and ways to a file that lead past its name.
const FILES: [c_long; 16] = [
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
];

/// Linux itself: its modules, its keys, what watches or programs it, and queues of calls that no filter sees.
const LINUX: [c_long; 14] = [
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    KEXEC_FILE_LOAD,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// Who the process is and where it lives.
const IDENTITY: [c_long; 14] = [
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_personality,
    libc::SYS_vhangup,
];

/// The machine: its power, its swap, its clock, its name and its log.
const MACHINE: [c_long; 13] = [
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
];

/// What `clone` is not to make: new namespaces.
const NAMESPACES: [c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

#[cfg(target_arch = "x86_64")]
const KEXEC_FILE_LOAD: c_long = libc::SYS_kexec_file_load;
/// Not every C library of this processor has a name for it.
#[cfg(not(target_arch = "x86_64"))]
const KEXEC_FILE_LOAD: c_long = 294;

/// What only this kind of processor has, and by what other numbers its Linux takes the same calls.
#[cfg(target_arch = "x86_64")]
mod of_processor {
    use libc::c_long;

    pub(super) const MORE: [c_long; 5] = [
        libc::SYS_fork,
        libc::SYS_vfork,
        libc::SYS_iopl,
        libc::SYS_ioperm,
        libc::SYS_modify_ldt,
    ];

    /// Added to the number of a call that a program of the x32 kind makes.
    const X32: c_long = 0x4000_0000;

    /// Those calls that have a number of their own there: execve, ptrace, kexec_load, process_vm_readv, process_vm_writev
    /// and execveat.
    const OWN: [c_long; 6] = [520, 521, 528, 539, 540, 545];

    pub(super) fn again(shut: &[c_long]) -> Vec<c_long> {
        shut.iter().chain(&OWN).map(|call| call | X32).collect()
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod of_processor {
    use libc::c_long;

    pub(super) const MORE: [c_long; 0] = [];

    pub(super) fn again(_: &[c_long]) -> Vec<c_long> {
        Vec::new()
    }
}

/// Shuts the calls for this thread and for all that it will start.
pub(crate) fn shut() -> Result<Confinement, String> {
    // Linux only knows filters on processors that this program knows the numbers of.
    let Ok(arch) = TargetArch::try_from(ARCH) else {
        return Ok(Confinement::Unavailable);
    };
    for program in programs(arch).map_err(|error| error.to_string())? {
        match seccompiler::apply_filter(&program) {
            Ok(()) => {}
            Err(seccompiler::Error::Prctl(_) | seccompiler::Error::Seccomp(_)) => {
                return Ok(Confinement::Unavailable);
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(Confinement::Full)
}

/// What this Linux can do of it, found out by a thread that ends at once.
pub(crate) fn offered() -> Confinement {
    let found = thread::spawn(shut).join();
    found
        .ok()
        .and_then(Result::ok)
        .unwrap_or(Confinement::Unavailable)
}

/// Two filters, since one gives one answer: what is shut, and `clone3`, of which no filter can see what it asks for. That it
/// is not there makes the C library take `clone`, whose flags are seen.
fn programs(arch: TargetArch) -> Result<[BpfProgram; 2], BackendError> {
    let newer = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    Ok([
        program(rules()?, libc::EPERM, arch)?,
        program(newer, libc::ENOSYS, arch)?,
    ])
}

fn program(
    rules: BTreeMap<c_long, Vec<SeccompRule>>,
    answer: c_int,
    arch: TargetArch,
) -> Result<BpfProgram, BackendError> {
    let shut = SeccompAction::Errno(answer.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, shut, arch)?.try_into()
}

/// The calls that are shut; a call without a rule is, whatever it asks for.
fn rules() -> Result<BTreeMap<c_long, Vec<SeccompRule>>, BackendError> {
    let mut shut = [&PROCESSES[..], &FILES, &LINUX, &IDENTITY, &MACHINE].concat();
    shut.extend(of_processor::MORE);
    shut.extend(of_processor::again(&shut));
    let mut rules: BTreeMap<_, _> = shut.into_iter().map(|call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_clone, clones()?);
    Ok(rules)
}

/// A thread may be started, another process may not.
fn clones() -> Result<Vec<SeccompRule>, BackendError> {
    let flags = |of: c_int, value: c_int| {
        let (of, value) = (
            u64::from(of.cast_unsigned()),
            u64::from(value.cast_unsigned()),
        );
        let is_so = SeccompCondition::new(
            0,
            SeccompCmpArgLen::Qword,
            SeccompCmpOp::MaskedEq(of),
            value,
        )?;
        SeccompRule::new(vec![is_so])
    };
    let process = flags(CLONE_THREAD, 0);
    let namespaces = NAMESPACES.into_iter().map(|flag| flags(flag, flag));
    std::iter::once(process).chain(namespaces).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;
    use std::{fs, os::fd::AsFd, process::Command};

    /// Runs on a thread of its own, for which alone the calls are shut; answers nothing if this Linux cannot do it.
    fn shut_in<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let thread = thread::spawn(|| match shut().unwrap() {
            Confinement::Full => Some(work()),
            less => {
                assert_eq!(less, Confinement::Unavailable);
                assert_eq!(offered(), Confinement::Unavailable);
                None
            }
        });
        thread.join().unwrap()
    }

    fn state() -> String {
        let told = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = told.lines().find(|line| line.starts_with("Seccomp:"));
        line.unwrap().to_owned()
    }

    #[test]
    fn no_program_is_started_and_threads_still_are() {
        let before = state();
        assert!(Command::new("/bin/true").status().unwrap().success());
        shut_in(|| {
            let refused = Command::new("/bin/true").status().unwrap_err();
            assert_eq!(refused.raw_os_error(), Some(libc::EPERM));
            let inner = thread::spawn(|| (state(), Command::new("/bin/true").status().is_err()));
            assert_eq!(inner.join().unwrap(), ("Seccomp:\t2".to_owned(), true));
        });
        assert_eq!(state(), before, "it reached beyond its thread");
    }

    #[test]
    fn what_an_intruder_would_call_is_answered_with_eperm() {
        shut_in(|| {
            use rustix::{fs as files, process, thread};
            assert_eq!(process::chroot("/"), Err(Errno::PERM));
            let names = fs::File::open("/proc/thread-self/ns/uts").unwrap();
            let entered = thread::move_into_link_name_space(names.as_fd(), None);
            assert_eq!(entered, Err(Errno::PERM));
            let own = thread::set_thread_uid(process::getuid());
            assert_eq!(own, Err(Errno::PERM));
            fs::read("/etc/hosts").unwrap();
            files::sync();
        });
    }

    #[test]
    fn every_call_is_shut_once_and_by_each_of_its_numbers() {
        let rules = rules().unwrap();
        let named = [
            &PROCESSES[..],
            &FILES,
            &LINUX,
            &IDENTITY,
            &MACHINE,
            &of_processor::MORE,
        ]
        .concat();
        let more = of_processor::again(&named);
        assert_eq!(
            rules.len(),
            named.len() + more.len() + 1,
            "a call stands there twice"
        );
        assert!(named.iter().chain(&more).all(|call| rules[call].is_empty()));
        assert_eq!(rules[&libc::SYS_clone].len(), 1 + NAMESPACES.len());
        for arch in [TargetArch::x86_64, TargetArch::aarch64] {
            assert!(
                programs(arch)
                    .unwrap()
                    .iter()
                    .all(|program| program.len() < 4096)
            );
        }
    }
}
