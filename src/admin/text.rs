//! What the admin commands say, in English and Indonesian. A sentence without its translation does not
//! compile.

use crate::commands::text::sentences;

sentences! {
    pub(super) enum Say;
    Refused {}
        "This command is for the bot's admins: the application's owner; for a team its owner, admins and developers; and the users in `bot.admins` of config.json."
        "Perintah ini hanya untuk admin bot: pemilik aplikasi; untuk tim: pemilik, admin, dan developer tim; serta pengguna yang tercantum di `bot.admins` dalam config.json."
    HelpForAdmins { prefix }
        "For the bot's admins (the application's owner; for a team its owner, admins and developers; and the users in `bot.admins` of config.json): `{prefix}reload`, `{prefix}cogs`, `{prefix}load`, `{prefix}unload`, `{prefix}forget`"
        "Untuk admin bot (pemilik aplikasi; untuk tim: pemilik, admin, dan developer tim; serta pengguna yang tercantum di `bot.admins` dalam config.json): `{prefix}reload`, `{prefix}cogs`, `{prefix}load`, `{prefix}unload`, `{prefix}forget`"
    Menu { prefix }
        "**Hot reload**\n`{prefix}reload status` shows what runs and what went wrong\n`{prefix}reload toggle` switches hot reload on or off\n`{prefix}reload cog <name>` rebuilds one cog in a fresh VM\n`{prefix}reload all` rebuilds all cogs in fresh VMs\n`{prefix}reload history <name>` shows what a cog has run\n`{prefix}reload undo <name> [version]` puts an earlier version back; `{prefix}reload redo <name>` ends that\n`{prefix}reload try <name>` has this server alone run its files; `{prefix}reload keep <name>` all servers, `{prefix}reload drop <name>` none\nAlso: `{prefix}cogs`, `{prefix}load <name>`, `{prefix}unload <name>`, `{prefix}help`"
        "**Hot reload**\n`{prefix}reload status` menampilkan apa yang berjalan dan apa yang gagal\n`{prefix}reload toggle` menyalakan atau mematikan hot reload\n`{prefix}reload cog <nama>` membangun ulang satu cog\n`{prefix}reload all` membangun ulang semua cog\n`{prefix}reload history <nama>` menampilkan versi-versi sebuah cog\n`{prefix}reload undo <nama> [versi]` mengembalikan versi lama; `{prefix}reload redo <nama>` mengakhirinya\n`{prefix}reload try <nama>` menjalankan isi berkasnya di server ini saja; `{prefix}reload keep <nama>` di semua server, `{prefix}reload drop <nama>` tidak di mana pun\nJuga: `{prefix}cogs`, `{prefix}load <nama>`, `{prefix}unload <nama>`, `{prefix}help`"
    UnknownAction { given, prefix }
        "There is no `{prefix}reload {given}`. `{prefix}reload` shows what there is."
        "Tidak ada `{prefix}reload {given}`. `{prefix}reload` menampilkan yang tersedia."
    NeedsName { command }
        "Which cog? `{command} <name>`"
        "Cog yang mana? `{command} <nama>`"
    Unknown { cog }
        "There is no cog {cog}."
        "Tidak ada cog {cog}."
    UnknownNear { cog, near }
        "There is no cog {cog}. Did you mean `{near}`?"
        "Tidak ada cog {cog}. Maksudmu `{near}`?"
    AmbiguousCog { named, id_of_named, of_module }
        "{named} fits more than one: it is the name of a cog, and the module of the cog {of_module}. Say {id_of_named} or {of_module}."
        "{named} cocok dengan lebih dari satu: itu nama sebuah cog dan juga modul dari cog {of_module}. Tulis {id_of_named} atau {of_module}."
    AlreadyLoaded { cog, prefix }
        "`{cog}` is loaded already. `{prefix}reload cog {cog}` rebuilds it."
        "`{cog}` sudah dimuat. `{prefix}reload cog {cog}` membangunnya ulang."
    ShuttingDown {}
        "The bot is shutting down."
        "Bot sedang dimatikan."
    BotFailed { prefix }
        "The bot itself failed while it did this. The details are in its log. Everything that was running still runs; `{prefix}reload status` shows it."
        "Terjadi kesalahan di dalam bot saat melakukannya. Detailnya ada di log bot. Semua yang sedang berjalan tetap berjalan; `{prefix}reload status` menampilkannya."
    Watching { folders }
        "**Watched in `lua/`:** {folders}"
        "**Dipantau di `lua/`:** {folders}"
    Counts { running, cogs, modules }
        "**Running cogs:** {running} of {cogs} · **Modules:** {modules}"
        "**Cog berjalan:** {running} dari {cogs} · **Modul:** {modules}"
    Pending { files }
        "**Changed, but not applied:** {files}"
        "**Berubah, tetapi belum diterapkan:** {files}"
    LastReloads {}
        "**Last reloads**"
        "**Muat ulang terakhir**"
    Start {}
        "start of the bot"
        "bot dinyalakan"
    Configuration { delay, extensions, automatic, log, guard }
        "**Configuration:** delay {delay} s · extensions {extensions} · applied at once: {automatic} · logged: {log} · guard: {guard}"
        "**Konfigurasi:** jeda {delay} dtk · ekstensi {extensions} · langsung diterapkan: {automatic} · dicatat di log: {log} · penjaga: {guard}"
    Yes {}
        "yes"
        "ya"
    No {}
        "no"
        "tidak"
    ConfigBroken {}
        "⚠️ The last saved config.json has a mistake. The bot still uses the one before."
        "⚠️ config.json yang terakhir disimpan tidak bisa dipakai. Bot masih memakai konfigurasi sebelumnya."
    CogWaits {}
        "does not run: its file must be fixed first"
        "tidak berjalan: berkasnya perlu diperbaiki"
    CogFailing {}
        "old code: the last reload failed"
        "kode lama: muat ulang terakhir gagal"
    CogHeldBack { cogs }
        "old code: waits for a fix of {cogs}"
        "kode lama: menunggu sampai {cogs} diperbaiki"
    CogHeldOut { cogs }
        "does not run: waits for a fix of {cogs}"
        "tidak berjalan: menunggu sampai {cogs} diperbaiki"
    CogQuarantined {}
        "in quarantine"
        "dikarantina"
    Limit {}
        "limit"
        "batas"
    Used {}
        "used"
        "dipakai"
    Allowed {}
        "allowed"
        "maksimal"
    Met {}
        "hits"
        "kena"
    CogDropped { count }
        "{count} events dropped"
        "{count} event dibuang"
    RequestWaits { what, age }
        "1 request has waited {age} for {what}"
        "1 permintaan sudah {age} menunggu {what}"
    RequestsWait { count, what, age }
        "{count} requests have waited for {what}, the first for {age}"
        "{count} permintaan menunggu {what}, yang pertama sudah {age}"
    JobsGivenUp { count, job, why }
        "⚠️ Jobs given up after too many failed attempts: {count}, among them one of {job}: {why}"
        "⚠️ Tugas terjadwal yang dihentikan karena terlalu sering gagal: {count}, di antaranya satu dari {job}: {why}"
    WaitsForDiscord { why }
        "Discord ({why})"
        "Discord ({why})"
    WaitsForRateLimit {}
        "Discord's rate limit"
        "rate limit Discord"
    WaitsForTurn {}
        "a turn (limits.discord_calls_per_10s)"
        "giliran (limits.discord_calls_per_10s)"
    More { count, command }
        "… and {count} more: {command}"
        "… dan {count} lagi: {command}"
    On {}
        "Hot reload is on."
        "Hot reload menyala."
    Off {}
        "Hot reload is off. Changes are noticed and applied when it is switched on again."
        "Hot reload mati. Perubahan tetap dicatat dan akan diterapkan saat dinyalakan lagi."
    Applied { cogs, milliseconds }
        "✅ Reloaded {cogs} in {milliseconds} ms."
        "✅ {cogs} dimuat ulang dalam {milliseconds} ms."
    Loaded { cog }
        "✅ Loaded `{cog}`."
        "✅ `{cog}` dimuat."
    Unloaded { cog }
        "✅ Unloaded `{cog}`. Its state is kept. Saving its file does not load it again."
        "✅ `{cog}` dilepas. Datanya tetap ada. Menyimpan berkasnya tidak memuatnya kembali."
    NearlyFull { used, limit }
        "⚠️ Its state is nearly full: {used} of {limit} MB (`limits.state_mb`). Beyond that its writes fail."
        "⚠️ Datanya hampir penuh: {used} dari {limit} MB (`limits.state_mb`). Setelah itu cog ini tidak bisa menulis data lagi."
    ForgetWhom { command }
        "Whose data? `{command} @user`, or an id: `{command} 80351110224678912`. It deletes at once what all cogs have stored for them, and cannot be undone."
        "Data siapa? `{command} @pengguna`, atau dengan ID: `{command} 80351110224678912`. Semua yang disimpan cog untuknya langsung dihapus dan tidak bisa dikembalikan."
    NothingToForget { who }
        "Nothing is stored for {who}."
        "Tidak ada data yang tersimpan untuk {who}."
    Forgotten { count, list, who }
        "✅ Deleted what was stored for {who}, {count} in all:\n{list}"
        "✅ Data {who} dihapus, semuanya {count}:\n{list}"
    ForgottenEntries { entries }
        "{entries} of its state"
        "{entries} data"
    ForgottenJobs { jobs }
        "{jobs} scheduled"
        "{jobs} terjadwal"
    ForgetFailed { who }
        "What was stored for {who} is deleted in memory, but not on the disk yet: the disk refuses it, and the bot tries again. The log says why."
        "Data {who} sudah dihapus dari memori, tetapi belum dari disk: disk menolaknya dan bot akan mencoba lagi. Alasannya ada di log."
    NotRunning { cog }
        "`{cog}` does not run."
        "`{cog}` tidak berjalan."
    Nothing {}
        "There was nothing to do."
        "Tidak ada yang perlu dilakukan."
    Failed {}
        "❌ Could not reload:"
        "❌ Gagal memuat ulang:"
    Kept { cogs }
        "Still running their old code: {cogs}."
        "Masih menjalankan kode lama: {cogs}."
    Waiting { cogs }
        "Not running until fixed: {cogs}."
        "Tidak berjalan sampai diperbaiki: {cogs}."
    IntentsNeedRestart { intents }
        "⏳ The connection lacks intents: {intents}. Their events do not arrive before the bot is started again, because `bot.reconnect_for_intents` is off."
        "⏳ Koneksi belum punya intent: {intents}. Event-nya baru masuk setelah bot dijalankan ulang, karena `bot.reconnect_for_intents` dimatikan."
    IntentsWait { intents, wait }
        "⏳ The connection gets new intents in {wait}: {intents}. Their events do not arrive before that. The bot waits because Discord limits how many sessions it may open."
        "⏳ Koneksi akan mendapat intent baru dalam {wait}: {intents}. Sebelum itu, event-nya belum masuk. Bot menunggu karena Discord membatasi jumlah sesi yang boleh dibuka."
    NotUndone { cog }
        "`{cog}` runs what its files say: there is nothing to redo."
        "`{cog}` sudah menjalankan isi berkasnya: tidak ada yang perlu dikembalikan."
    RunsAlready { cog }
        "`{cog}` runs exactly that already."
        "`{cog}` sudah menjalankan versi itu."
    WrongVersion { given, cog, prefix }
        "{given} is not the number of a version. `{prefix}reload history {cog}` shows them."
        "{given} bukan nomor versi. `{prefix}reload history {cog}` menampilkannya."
    HistoryUnknown { cog }
        "Nothing is known of earlier versions of {cog}."
        "Tidak ada catatan tentang versi lama {cog}."
    NotKept { cog, number, kept }
        "Version {number} of `{cog}` is not kept. Kept are: {kept}."
        "Versi {number} dari `{cog}` tidak disimpan. Yang disimpan: {kept}."
    NoneBefore { cog }
        "No version of `{cog}` before this one is kept."
        "Tidak ada versi `{cog}` sebelum ini yang disimpan."
    HistoryUnreadable { why }
        "The history of the cogs cannot be read: {why}"
        "Riwayat cog tidak bisa dibaca: {why}"
    HistoryOff {}
        "This bot keeps no history of its cogs."
        "Bot ini tidak menyimpan riwayat cog."
    HistoryOf { cog }
        "**What `{cog}` has run**, the newest first"
        "**Versi-versi `{cog}`**, yang terbaru di atas"
    HistoryHint { cog, prefix }
        "`{prefix}reload undo {cog} <version>` puts one back."
        "`{prefix}reload undo {cog} <versi>` mengembalikan salah satunya."
    HistoryFailed {}
        "**Could not be loaded**"
        "**Gagal dimuat**"
    RunsNow {}
        "runs now"
        "sedang berjalan"
    CauseSaved { files }
        "saved: {files}"
        "disimpan: {files}"
    CauseCommand { by }
        "reloaded by {by}"
        "dimuat ulang oleh {by}"
    CauseUndo { number, by }
        "version {number} put back by {by}"
        "versi {number} dikembalikan oleh {by}"
    CauseGuard { number, why }
        "version {number} put back by the guard: {why}"
        "versi {number} dikembalikan oleh penjaga: {why}"
    CauseRedo { by }
        "its files again, by {by}"
        "kembali ke isi berkasnya, oleh {by}"
    Differs { files }
        "differs in {files}"
        "berbeda di {files}"
    Built { count }
        "built {count} times"
        "dibangun {count} kali"
    Ran { handlers, failures }
        "handlers: {handlers}, failed: {failures}"
        "handler: {handlers}, gagal: {failures}"
    IsUndone { cog, number, since, by, prefix }
        "⚠️ `{cog}` runs version {number}, not what its files say, since {since}, by {by}. It does so until one of its files is saved, or until `{prefix}reload redo {cog}`."
        "⚠️ `{cog}` menjalankan versi {number}, bukan isi berkasnya, sejak {since}, oleh {by}. Ini berlaku sampai salah satu berkasnya disimpan, atau sampai `{prefix}reload redo {cog}`."
    CogWorse {}
        "does worse than the version before"
        "lebih buruk daripada versi sebelumnya"
    // What the guard tells whoever has reloaded a cog.
    GuardWarns { cog }
        "⚠️ Since its reload `{cog}` does worse than before."
        "⚠️ Sejak dimuat ulang, `{cog}` lebih buruk daripada sebelumnya."
    GuardUndid { cog, number }
        "↩️ I have put version {number} of `{cog}` back, because the new one does worse."
        "↩️ Versi {number} dari `{cog}` aku kembalikan, karena yang baru lebih buruk."
    TheCommand { name }
        "The command {name}"
        "Perintah {name}"
    TheEvent { name }
        "The handler of the event {name}"
        "Penangan event {name}"
    TheComponent { name }
        "The handler of the component {name}"
        "Penangan komponen {name}"
    TheModal { name }
        "The handler of the modal {name}"
        "Penangan modal {name}"
    TheTimer { name }
        "The timer {name}"
        "Timer {name}"
    TheJob { name }
        "The job {name}"
        "Tugas terjadwal {name}"
    HandlerBroke { handler, failures, calls, before }
        "{handler} failed in {failures} of its first {calls} calls, and in none of its last {before} before."
        "{handler} gagal dalam {failures} dari {calls} panggilan pertamanya, dan tidak pernah dalam {before} panggilan terakhir sebelumnya."
    FailsMore { failures, before }
        "Its handlers fail {failures} times a minute, and at most {before} times a minute before."
        "Penangannya gagal {failures} kali per menit; sebelumnya paling banyak {before} kali per menit."
    FailsMoreIn { failures, before, handler }
        "Its handlers fail {failures} times a minute, and at most {before} times a minute before. Most of them: {handler}."
        "Penangannya gagal {failures} kali per menit; sebelumnya paling banyak {before} kali per menit. Kebanyakan: {handler}."
    NewLimit { limit }
        "It meets `limits.{limit}`, which it never met before."
        "Ia terkena `limits.{limit}`, yang sebelumnya tidak pernah terjadi."
    GuardError { error }
        "The first error: {error}"
        "Kesalahan pertama: {error}"
    GuardHint { cog, prefix }
        "`{prefix}reload undo {cog}` puts the version before back."
        "`{prefix}reload undo {cog}` mengembalikan versi sebelumnya."
    GuardUndidHint { cog, prefix }
        "Your files are as they were. Save them when they are fixed; `{prefix}reload redo {cog}` runs them all the same."
        "Berkasmu tidak berubah. Simpan setelah diperbaiki; `{prefix}reload redo {cog}` tetap menjalankannya."
    GuardIsEarlier { cog, prefix }
        "This is an earlier version already, so what is wrong may be elsewhere. `{prefix}reload history {cog}` shows the others."
        "Ini sudah versi lama, jadi masalahnya mungkin di tempat lain. `{prefix}reload history {cog}` menampilkan versi lainnya."
    GuardOnlyOnce { cog, prefix }
        "I have put the version before back once, and do so no more. `{prefix}reload undo {cog}` does."
        "Versi sebelumnya sudah pernah aku kembalikan, dan tidak akan kuulangi. `{prefix}reload undo {cog}` bisa melakukannya."
    GuardRefused { cog, why, prefix }
        "I wanted to put the version before back, and could not: {why}. `{prefix}reload history {cog}` shows which there are."
        "Aku ingin mengembalikan versi sebelumnya, tetapi tidak bisa: {why}. `{prefix}reload history {cog}` menampilkan yang ada."
    CogUndone { number }
        "runs version {number}, not its files"
        "menjalankan versi {number}, bukan berkasnya"
    Tried { cogs, milliseconds }
        "🧪 {cogs}: one server tries the new code (built in {milliseconds} ms)."
        "🧪 {cogs}: satu server mencoba kode baru (dibangun dalam {milliseconds} ms)."
    Dropped { cogs }
        "✅ {cogs}: all servers run the same version again."
        "✅ {cogs}: semua server kembali menjalankan versi yang sama."
    IsOnTrial { cog, server, since, by, prefix }
        "🧪 {server} tries another version of `{cog}` since {since}, by {by}; all other servers run the one before. Saving its files changes the version on trial alone. `{prefix}reload keep {cog}` gives it to all servers, `{prefix}reload drop {cog}` ends the trial."
        "🧪 {server} mencoba versi lain dari `{cog}` sejak {since}, oleh {by}; semua server lain menjalankan versi sebelumnya. Menyimpan berkasnya hanya mengubah versi yang dicoba. `{prefix}reload keep {cog}` memberikannya ke semua server, `{prefix}reload drop {cog}` mengakhiri percobaan."
    TriedElsewhere { cog, server, prefix }
        "{server} tries another version of `{cog}` already, and one server at a time can. `{prefix}reload keep {cog}` or `{prefix}reload drop {cog}` ends that."
        "{server} sudah mencoba versi lain dari `{cog}`, dan hanya satu server yang bisa mencobanya. `{prefix}reload keep {cog}` atau `{prefix}reload drop {cog}` mengakhirinya."
    OnTrialFirst { cog, server, prefix }
        "{server} tries another version of `{cog}`. Decide about that first: `{prefix}reload keep {cog}` gives it to all servers, `{prefix}reload drop {cog}` ends the trial."
        "{server} sedang mencoba versi lain dari `{cog}`. Putuskan dulu: `{prefix}reload keep {cog}` memberikannya ke semua server, `{prefix}reload drop {cog}` mengakhiri percobaan."
    NotOnTrial { cog, prefix }
        "No server tries another version of `{cog}`. `{prefix}reload try {cog}` in a server begins a trial there."
        "Tidak ada server yang mencoba versi lain dari `{cog}`. `{prefix}reload try {cog}` di sebuah server memulai percobaan di sana."
    TryInServer { cog, prefix }
        "A version is tried in one server: send `{prefix}reload try {cog}` there."
        "Sebuah versi dicoba di satu server: kirim `{prefix}reload try {cog}` di sana."
    CogOnTrial {}
        "one server tries another version"
        "satu server mencoba versi lain"
    UnknownServer { id }
        "The server {id}"
        "Server {id}"
    NoCogs {}
        "There are no cogs: put a file into `lua/cogs/`."
        "Belum ada cog: letakkan berkas di `lua/cogs/`."
    // What Discord's list says of the slash commands: at most 100 characters.
    AboutReload {}
        "Rebuilds cogs, and shows what runs and what went wrong"
        "Membangun ulang cog, dan menampilkan apa yang berjalan dan apa yang gagal"
    AboutStatus {}
        "Shows what runs and what went wrong"
        "Menampilkan apa yang berjalan dan apa yang gagal"
    AboutToggle {}
        "Switches hot reload on or off"
        "Menyalakan atau mematikan hot reload"
    AboutReloadCog {}
        "Rebuilds one cog in a fresh VM"
        "Membangun ulang satu cog"
    AboutReloadAll {}
        "Rebuilds all cogs in fresh VMs"
        "Membangun ulang semua cog"
    AboutHistory {}
        "Shows what a cog has run, and what became of it"
        "Menampilkan versi-versi sebuah cog dan hasilnya"
    AboutUndo {}
        "Puts an earlier version of a cog back; its files stay as they are"
        "Mengembalikan versi lama sebuah cog; berkasnya tidak diubah"
    AboutUndoVersion {}
        "The number of a version in the history; without it, the one before"
        "Nomor versi dalam riwayat; tanpa ini, versi sebelumnya"
    AboutRedo {}
        "Has a cog run what its files say again"
        "Menjalankan kembali isi berkas sebuah cog"
    AboutTry {}
        "Has this server alone run what a cog's files say"
        "Menjalankan isi berkas sebuah cog di server ini saja"
    AboutKeep {}
        "Gives the version that one server tries to all servers"
        "Memberikan versi yang dicoba satu server ke semua server"
    AboutDrop {}
        "Ends the trial of a version in one server"
        "Mengakhiri percobaan sebuah versi di satu server"
    AboutCogs {}
        "Lists the cogs, or shows one with its limits"
        "Menampilkan daftar cog, atau satu cog beserta batas-batasnya"
    AboutLoad {}
        "Loads a cog that was unloaded"
        "Memuat cog yang tadinya dilepas"
    AboutUnload {}
        "Unloads a cog and keeps its state"
        "Melepas cog; datanya tetap ada"
    AboutForget {}
        "Deletes what all cogs have stored for a user"
        "Menghapus semua data yang disimpan cog untuk seorang pengguna"
    AboutForgetUser {}
        "Whose data; an id also works for who has left"
        "Data siapa; ID juga bisa untuk yang sudah keluar"
    AboutCogName {}
        "The cog's name"
        "Nama cog"
    AboutHelp {}
        "Shows the commands, or how one of them is used"
        "Menampilkan daftar perintah, atau cara memakai salah satunya"
    AboutHelpCommand {}
        "The command to explain"
        "Perintah yang ingin dijelaskan"
    AboutPage {}
        "The number of the page"
        "Nomor halaman"
    AboutSettings {}
        "What this server sets for itself: prefix, language, commands that are off or limited"
        "Pengaturan server ini: prefix, bahasa, perintah yang dimatikan atau dibatasi"
    AboutShow {}
        "Shows what is set"
        "Menampilkan pengaturan"
    AboutPrefix {}
        "What stands before typed commands"
        "Yang ditulis di depan perintah"
    AboutLanguage {}
        "The language in which the bot answers"
        "Bahasa jawaban bot"
    AboutOff {}
        "Switches a command or a cog off in this server"
        "Mematikan perintah atau cog di server ini"
    AboutOn {}
        "Switches a command or a cog on again"
        "Menyalakan kembali perintah atau cog"
    AboutLimit {}
        "Limits a command or a cog to channels and roles"
        "Membatasi perintah atau cog ke kanal dan peran tertentu"
    AboutReset {}
        "Forgets what is set: prefix, language, a command or cog, or all of it"
        "Menghapus pengaturan: prefix, bahasa, sebuah perintah atau cog, atau semuanya (all)"
    AboutSubject {}
        "A command, or cog: and the name of a cog"
        "Perintah, atau cog: disertai nama cog"
    AboutSettingsChannel {}
        "A channel or category in which it can be used"
        "Kanal atau kategori tempat perintah bisa dipakai"
    AboutSettingsRole {}
        "A role whose members can use it"
        "Peran yang anggotanya boleh memakainya"
    // What a server sets for itself.
    SettingsHeading { prefix, language }
        "**Settings of this server**\nPrefix: {prefix} · Language: {language}"
        "**Pengaturan server ini**\nPrefix: {prefix} · Bahasa: {language}"
    AsConfigured { value }
        "{value} (not set here)"
        "{value} (tidak diatur di sini)"
    SettingsUsage { prefix }
        "To change them: `{prefix}settings prefix ?`, `{prefix}settings language en`, `{prefix}settings off NAME`, `{prefix}settings on NAME`, `{prefix}settings limit NAME #channel @role`, `{prefix}settings reset NAME`. NAME is a command or a cog; `reset` also takes `prefix`, `language` or `all`."
        "Untuk mengubahnya: `{prefix}settings prefix ?`, `{prefix}settings language id`, `{prefix}settings off NAMA`, `{prefix}settings on NAMA`, `{prefix}settings limit NAMA #kanal @peran`, `{prefix}settings reset NAMA`. NAMA adalah perintah atau cog; `reset` juga menerima `prefix`, `language`, atau `all`."
    TheCog { cog }
        "the cog {cog}"
        "cog {cog}"
    IsOff {}
        "off"
        "mati"
    IsLimited { places }
        "only {places}"
        "hanya {places}"
    PrefixSet { prefix, configured }
        "Commands begin with `{prefix}` in this server now. `{configured}settings`, `{configured}help` and a mention of me always work."
        "Perintah di server ini sekarang diawali `{prefix}`. `{configured}settings`, `{configured}help`, dan mention ke aku selalu bisa dipakai."
    PrefixEmpty {}
        "Which prefix? It stands before each command, such as `?`."
        "Prefix yang mana? Prefix ditulis di depan setiap perintah, misalnya `?`."
    PrefixLong { most }
        "A prefix may have at most {most} characters."
        "Prefix maksimal {most} karakter."
    PrefixUnseen {}
        "A prefix must not contain spaces or characters that nobody sees; one space at its end can be given in quotes: `\"hey \"`."
        "Prefix tidak boleh berisi spasi atau karakter yang tidak terlihat; satu spasi di akhir bisa ditulis dalam tanda kutip: `\"hey \"`."
    PrefixMentions {}
        "A prefix must not contain `@`, `<` or `>`: it could mention somebody."
        "Prefix tidak boleh berisi `@`, `<`, atau `>`: bisa menjadi mention."
    UnknownLanguage { given }
        "I do not speak {given}. There are `en` (English) and `id` (Bahasa Indonesia)."
        "Aku tidak bisa berbahasa {given}. Yang ada: `en` (English) dan `id` (Bahasa Indonesia)."
    LanguageSet { name }
        "I answer in {name} in this server now."
        "Sekarang aku menjawab dalam {name} di server ini."
    SwitchedOff { what }
        "{what} is off in this server now."
        "{what} sekarang mati di server ini."
    SwitchedOn { what }
        "{what} is on in this server, for everybody and in all channels."
        "{what} menyala di server ini, untuk semua orang dan di semua kanal."
    StaysOn { name }
        "{name} belongs to the bot itself and cannot be switched off or limited."
        "{name} milik bot sendiri dan tidak bisa dimatikan atau dibatasi."
    NoSubject { given }
        "There is no command or cog {given}."
        "Tidak ada perintah atau cog {given}."
    NoSuchPlace { given }
        "{given} is no channel or role of this server. Mention it, or give its id."
        "{given} bukan kanal atau peran di server ini. Pakai mention atau berikan ID-nya."
    NeedsPlaces { prefix }
        "Limited to what? Name channels and roles: `{prefix}settings limit NAME #channel @role`."
        "Dibatasi ke mana? Sebutkan kanal dan peran: `{prefix}settings limit NAMA #kanal @peran`."
    TooManyPlaces { most }
        "At most {most} channels and roles can be named together."
        "Paling banyak {most} kanal dan peran yang bisa disebut sekaligus."
    TooManyRules { most }
        "At most {most} commands and cogs can be off or limited in a server. Switch one on again first."
        "Paling banyak {most} perintah dan cog yang bisa dimatikan atau dibatasi di satu server. Nyalakan salah satunya dulu."
    AllReset {}
        "Nothing is set in this server any more."
        "Semua pengaturan server ini sudah dihapus."
    // The menu below the settings.
    NothingOff {}
        "Commands and cogs to switch off"
        "Perintah dan cog yang ingin dimatikan"
    HasLimits {}
        "limited to channels or roles"
        "dibatasi ke kanal atau peran"
    ButtonPrefix {}
        "Prefix"
        "Prefix"
    ButtonReset {}
        "Reset all"
        "Hapus semua"
    NotYourHelp {}
        "Only who has asked for it can turn the pages: the list is what they may call."
        "Hanya yang memintanya yang bisa membalik halaman: daftarnya berisi perintah yang boleh ia panggil."
    ButtonBack {}
        "Back"
        "Kembali"
    ButtonNext {}
        "Next"
        "Berikutnya"
    AskReset {}
        "Shall I forget all that is set in this server? This cannot be undone."
        "Hapus semua pengaturan server ini? Ini tidak bisa dibatalkan."
}
