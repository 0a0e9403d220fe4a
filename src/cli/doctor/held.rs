//! Whether Linux can hold the server to its own files and shut the calls that it never makes. What holds for a server that
//! runs its log and its deep health say.
use super::{Findings, State};
use crate::confine::{self, Confinement};

pub(super) fn look(found: &mut Findings) {
    files(found);
    calls(found);
}

fn calls(found: &mut Findings) {
    if confine::calls::offered() == Confinement::Full {
        return found.good([
            "Linux закроет системные вызовы, которые серверу не нужны (seccomp)".to_owned(),
            "Linux серверге керек емес жүйелік шақыруларды жабады (seccomp)".to_owned(),
            "Linux will shut the system calls that the server never makes (seccomp)".to_owned(),
        ]);
    }
    found.add(
        State::Attention,
        [
            "Linux не может закрыть системные вызовы, которые серверу не нужны (seccomp)".to_owned(),
            "Linux серверге керек емес жүйелік шақыруларды жаба алмайды (seccomp)".to_owned(),
            "Linux cannot shut the system calls that the server never makes (seccomp)".to_owned(),
        ],
        Some([
            "нужно ядро с фильтром seccomp на x86_64 или aarch64; без него сервер тоже работает",
            "x86_64 немесе aarch64 жүйесінде seccomp сүзгісі бар ядро керек; сервер онсыз да жұмыс істейді",
            "it takes a kernel with seccomp filters on x86_64 or aarch64; the server works without it as well",
        ]),
    );
}

fn files(found: &mut Findings) {
    match confine::offered() {
        Confinement::Full => found.good([
            "Linux ограничит сервер его собственными файлами (Landlock)".to_owned(),
            "Linux серверді өз файлдарымен шектейді (Landlock)".to_owned(),
            "Linux will hold the server to its own files (Landlock)".to_owned(),
        ]),
        Confinement::Partial => found.add(
            State::Attention,
            [
                "Linux ограничит сервер его файлами лишь отчасти (Landlock)".to_owned(),
                "Linux серверді өз файлдарымен жартылай ғана шектейді (Landlock)".to_owned(),
                "Linux will hold the server to its own files in part only (Landlock)".to_owned(),
            ],
            Some([
                "обновите ядро до 6.15 или новее",
                "ядроны 6.15 немесе одан жаңа нұсқаға жаңартыңыз",
                "a kernel of 6.15 or newer does it in full",
            ]),
        ),
        Confinement::Unavailable | Confinement::Off => found.add(
            State::Attention,
            [
                "Linux не может ограничить сервер его файлами (Landlock)".to_owned(),
                "Linux серверді өз файлдарымен шектей алмайды (Landlock)".to_owned(),
                "Linux cannot hold the server to its own files (Landlock)".to_owned(),
            ],
            Some([
                "нужно ядро 5.19 или новее с включённым landlock; без него сервер тоже работает",
                "landlock қосылған 5.19 немесе одан жаңа ядро керек; сервер онсыз да жұмыс істейді",
                "it takes a kernel of 5.19 or newer with landlock switched on; the server works without it as well",
            ]),
        ),
    }
}
