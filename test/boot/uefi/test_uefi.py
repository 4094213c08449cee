# SPDX-License-Identifier: MIT
"""The UEFI road, seen from outside: the test kernel's verdict on many machines, one line for
each thing that is wrong, and what Secure Boot lets through.

EXO_LOADER is the folder with the loaders, EXO_UEFI_KERNELS the one with what this folder's
CMakeLists.txt builds.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "support"), str(HERE.parents[3] / "sdk/bin")]
import ovmf  # noqa: E402
from exocore_cli import esp, gpt, image, qemu, sign, slots  # noqa: E402
from qemu import Guest  # noqa: E402

LOADER = pathlib.Path(os.environ["EXO_LOADER"])
KERNELS = pathlib.Path(os.environ["EXO_UEFI_KERNELS"])
VIRTIO = ["virtio-blk-pci,drive=disk"]
DISKS = {
    "sata": ["ide-hd,drive=disk"],
    "virtio-blk": VIRTIO,
    "virtio-blk, 4096-byte blocks": ["virtio-blk-pci,drive=disk,logical_block_size=4096,"
                                     "physical_block_size=4096"],
    "virtio-scsi": ["virtio-scsi-pci", "scsi-hd,drive=disk"],
    "nvme": ["nvme,drive=disk,serial=1"],
    "usb": ["qemu-xhci", "usb-storage,drive=disk"],
    "cd": ["ide-cd,drive=disk"],
    "scsi cd": ["virtio-scsi-pci", "scsi-cd,drive=disk"],
}


class UefiTest(unittest.TestCase):
    """Makes images in a folder of its own and boots them."""

    firmware = {"firmware": "uefi", "machine": "q35"}

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="exocore-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.path = self.folder / "disk.img"

    def make(self, kernel="small", cmdline="", efi=None, **options):
        """Writes an image of one of the test kernels."""
        loader = efi if efi is not None else (LOADER / "BOOTX64.EFI").read_bytes()
        image.write_image(self.path, (LOADER / "stage1.bin").read_bytes(),
                          (LOADER / "stage2.bin").read_bytes(),
                          (KERNELS / f"{kernel}.elf").read_bytes(), cmdline,
                          efi=loader, **options)

    def poke(self, offset, content):
        """Overwrites bytes of the image."""
        with open(self.path, "r+b") as file:
            file.seek(offset)
            file.write(content)

    def slots(self):
        """The image's slots."""
        with open(self.path, "rb") as file:
            return image.find_slots(file)

    def boot(self, devices=tuple(VIRTIO), extra=(), path=None, **machine):
        """A started guest with the image on the last of these devices."""
        arguments = [word for device in devices for word in ("-device", device)]
        guest = Guest(path or self.path, **{"net": "none", "memory": "128M", "disk": "none",
                                            **self.firmware, **machine},
                      extra=[*arguments, *extra])
        self.addCleanup(guest.close)
        return guest

    def accepts(self, devices=tuple(VIRTIO), **machine):
        """Boots, and returns the console of a kernel that found all as promised."""
        guest = self.boot(devices, **machine)
        self.assertEqual(guest.wait(120), 0, guest.log)
        self.assertIn("OK exocore UEFI loader 1\n", guest.log)
        return guest.log

    def refuses(self, *lines, **machine):
        """Boots, and waits for these lines of the loader, and for the firmware to go on."""
        guest = self.boot(**machine)
        for line in lines:
            guest.expect(f"exocore: {line}\n", 60)
        guest.expect("failed to start .*: Load Error", 60)
        self.assertNotIn("OK exocore", guest.log)


class Boots(UefiTest):
    """Machines that must reach the kernel, with everything as docs/handoff.md says."""

    def test_every_disk(self):
        self.make("large_3m")
        for name, devices in DISKS.items():
            with self.subTest(disk=name):
                self.accepts(devices)

    def test_both_machines(self):
        self.make()
        for devices in ["ide-hd,drive=disk"], VIRTIO:
            with self.subTest(devices=devices):
                self.accepts(devices, machine="pc")

    def test_memory(self):
        self.make()
        for memory in "64M", "5G":
            with self.subTest(memory=memory):
                self.accepts(memory=memory)

    def test_64_mib_at_another_address(self):
        self.make("elsewhere")
        self.accepts(memory="256M")

    def test_kernel_moves(self):
        self.make("moving")
        rng = ["-device", "virtio-rng-pci"]  # then the firmware has a generator
        found = {re.search("kernel_va=(.*)", self.accepts(extra=extra))[1] for extra in ([], rng)}
        self.assertEqual(len(found), 2)
        self.make("moving", cmdline="nokaslr")
        self.assertIn("kernel_va=ffffffff80000000\n", self.accepts())

    def test_loader_above_4_gib(self):
        self.make("large_3m", efi=(KERNELS / "above.efi").read_bytes())
        self.accepts(memory="5G")

    def test_firmware_that_is_difficult(self):
        """It refuses to end, for its map has changed; its map is long, its descriptors are wide."""
        for starter in "clings", "wide_map":
            with self.subTest(starter):
                self.make("large_3m", efi=(KERNELS / f"{starter}.efi").read_bytes())
                self.accepts()

    def test_frame_buffer(self):
        self.make()
        self.assertIn("fb_base=0000000000000000\n", self.accepts())
        log = self.accepts(extra=["-device", "VGA,xres=1024,yres=768"])
        self.assertNotIn("fb_base=0000000000000000\n", log)
        self.assertRegex(log, "fb_size=0000[0-9a-f]{4}0000[0-9a-f]{4}\n")
        width = int(log.split("fb_size=")[1][8:16], 16)
        self.assertIn(f"fb_lines=00000001{width * 4:08x}\n", log)

    def test_command_line_of_the_image(self):
        for cmdline in "a=1 b='two words'", "x" * (image.CMDLINE_BYTES - 1):
            with self.subTest(cmdline=cmdline[:16]):
                self.make(cmdline=cmdline)
                self.assertIn(f"cmdline={cmdline}\n", self.accepts())

    def test_command_line_of_the_firmware(self):
        # The UEFI shell starts the loader, with options after its name.
        text = "größe=1 5€ 𝄞 \\EFI\\BOOT\\exo.efi"
        self.make(cmdline="the image's own")
        loader = self.folder / "exo.efi"
        loader.write_bytes((LOADER / "BOOTX64.EFI").read_bytes())
        script = self.folder / "startup.nsh"
        script.write_text(f"\ufefffs0:\\exo.efi {text}\r\n", encoding="utf-16-le")
        volume = f"{self.path}@@{image.ESP_AT}"
        subprocess.run(["mcopy", "-i", volume, loader, script, "::/"], check=True)
        subprocess.run(["mdel", "-i", volume, f"::/{esp.LOADER}"], check=True)
        self.assertIn(f"cmdline={text}\n", self.accepts())

    def with_options(self, options):
        """Boots with these load options (bytes), and returns the kernel's command line."""
        with open(self.path, "rb") as file:
            _, partitions = gpt.read(file, self.path.stat().st_size)
        store = self.folder / "vars.fd"
        store.write_bytes(ovmf.booting(
            pathlib.Path(qemu.OVMF_VARS).read_bytes(), partitions[1], 2,
            "\\EFI\\BOOT\\BOOTX64.EFI", options))
        return re.search("cmdline=(.*)\n", self.accepts(nvram=str(store)))[1]

    def test_load_options_that_are_odd(self):
        own = "the image's own"
        self.make(cmdline=own)
        longest = image.CMDLINE_BYTES - 1
        program, halves = "A.EFI b.efi ".encode("utf-16-le"), b"a\0\x34\xd8b\0\x1e\xddc\0\x34\xd8"
        for what, options, line in (
                ("another's data", b"\0\0BO", own),
                ("two programs, halves of pairs, half a character", program + halves + b"c",
                 "b.efi a\ufffdb\ufffdc\ufffd"),
                ("more than fits", ("x" + "€" * 5000).encode("utf-16-le"),
                 "x" + "€" * ((longest - 1) // 3))):
            with self.subTest(what):
                self.assertEqual(self.with_options(options), line)

    def test_the_try_is_counted(self):
        self.make()
        slot = self.slots()[0]
        self.poke(*slot.state_write(tries=2, successful=False))
        for left in 1, 0:
            self.accepts(keep=True)
            state = self.slots()[0].state
            self.assertEqual((state.tries, state.successful), (left, False))
        self.refuses("slot A: it was tried and never confirmed, and has no try left",
                     "no slot of this disk can be booted")

    def test_a_damaged_slot_is_passed_over(self):
        self.make(second_elf=(KERNELS / "large_3m.elf").read_bytes())
        slot = self.slots()[0]
        self.poke(slot.offset + slots.PAYLOAD_AT + 300, b"?")
        guest = self.boot()
        guest.expect("exocore: slot A: its SHA-256 is not the one in its header\n", 60)
        guest.expect("OK exocore UEFI loader 1\n", 60)


class Refuses(UefiTest):
    """Things that are wrong, and the line that says so; then the firmware goes on."""

    def test_no_partition_table(self):
        self.make()
        size = self.path.stat().st_size
        # The firmware finds the loader in the FAT volume, as if the disk were a floppy.
        with open(self.path, "rb") as file:
            _, partitions = gpt.read(file, size)
            volume = next(p for p in partitions if p.kind == gpt.ESP)
            file.seek(volume.offset)
            content = file.read(volume.bytes)
        self.path.write_bytes(content)
        self.refuses("there is no partition table \\(GPT\\) on this disk")

    def test_firmware_that_does_not_end(self):
        """Then its console is no more ours, and the line is on the serial port alone."""
        self.make(efi=(KERNELS / "never_ends.efi").read_bytes())
        guest = self.boot()
        guest.expect(r"exocore: the firmware does not let go \(ExitBootServices\)\n", 60)

    def test_memory_map_too_long(self):
        self.make(efi=(KERNELS / "long_map.efi").read_bytes())
        self.refuses("the memory map has more than 1024 entries")

    def test_both_slots_bad(self):
        self.make(second_elf=(KERNELS / "other.elf").read_bytes())
        for slot in self.slots():
            self.poke(slot.offset + slots.PAYLOAD_AT + 300, b"?")
        self.refuses("slot A: its SHA-256 is not the one in its header",
                     "slot B: its SHA-256 is not the one in its header",
                     "no slot of this disk can be booted")

    def test_disk_cut_off(self):
        self.make("large_3m")
        slot = self.slots()[0]
        os.truncate(self.path, slot.offset + slots.PAYLOAD_AT + (1 << 20))
        self.refuses("slot A: cannot read block [0-9]+: EFI status [0-9]+",
                     "slot B: .*", "no slot of this disk can be booted")

    def test_the_next_disk_is_tried(self):
        self.make()
        good = self.path.rename(self.folder / "good.img")
        self.make()
        slot = self.slots()[0]
        self.poke(slot.offset + slots.PAYLOAD_AT + 300, b"?")
        guest = self.boot(["virtio-blk-pci,drive=disk,bootindex=0"],
                          extra=["-drive", f"file={good},format=raw,snapshot=on,if=none,id=good",
                                 "-device", "virtio-blk-pci,drive=good,bootindex=1"])
        guest.expect("exocore: no slot of this disk can be booted\n", 60)
        self.assertEqual(guest.wait(60), 0, guest.log)
        self.assertIn("OK exocore UEFI loader 1\n", guest.log)


class SecureBoot(UefiTest):
    """What firmware with our keys, and a loader that it has verified, let through."""

    firmware = {"firmware": "secureboot", "machine": "q35,smm=on", "memory": "256M"}

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="exocore-")
        cls.addClassCleanup(scratch.cleanup)
        cls.keys = pathlib.Path(scratch.name)
        for name in "ours", "theirs":
            subprocess.run(["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes",
                            "-subj", f"/CN={name}", "-days", "3650", "-sha256", "-keyout",
                            cls.keys / f"{name}.key", "-out", cls.keys / f"{name}.crt"],
                           check=True, stderr=subprocess.DEVNULL)
        der = subprocess.run(["openssl", "x509", "-in", cls.keys / "ours.crt", "-outform", "DER"],
                             check=True, stdout=subprocess.PIPE).stdout
        cls.nvram = cls.keys / "vars.fd"
        cls.nvram.write_bytes(ovmf.enrolled(pathlib.Path(qemu.OVMF_VARS).read_bytes(), der))

    def boot(self, *args, **machine):
        return super().boot(*args, **{"nvram": str(self.nvram), **machine})

    def sign(self, name="ours"):
        sign.sign_image(self.path, self.keys / f"{name}.key", self.keys / f"{name}.crt")

    def firmware_refuses(self):
        """The loader never runs."""
        guest = self.boot()
        guest.expect("failed to load Boot.*: Access Denied", 60)
        guest.expect("No bootable option or device was found", 60)
        self.assertNotIn("exocore", guest.log)

    def test_signed_boots(self):
        self.make("large_3m", cmdline="signed", second_elf=(KERNELS / "small.elf").read_bytes())
        self.sign()
        self.assertIn("cmdline=signed\n", self.accepts())

    def test_signed_boots_without_secure_boot(self):
        self.make(cmdline="signed")
        self.sign()
        self.assertIn("cmdline=signed\n", self.accepts(firmware="uefi", machine="q35",
                                                       nvram=qemu.OVMF_VARS))

    def test_signed_twice_boots(self):
        self.make()
        self.sign("theirs")
        self.sign()
        self.accepts()

    def test_unsigned_loader(self):
        self.make()
        self.firmware_refuses()

    def test_loader_signed_by_others(self):
        self.make()
        self.sign("theirs")
        self.firmware_refuses()

    def test_altered_loader(self):
        self.make()
        self.sign()
        loader = bytearray(esp.read(self.path, image.ESP_AT, esp.LOADER))
        for at in 0x1800, loader.index(sign.TRUST_MAGIC) + 64:  # its code; its list
            with self.subTest(at=at):
                altered = bytes(loader[:at]) + bytes([loader[at] ^ 1]) + bytes(loader[at + 1:])
                esp.replace(self.path, image.ESP_AT, esp.LOADER, altered)
                self.firmware_refuses()

    def test_altered_kernel(self):
        self.make()
        self.sign()
        slot = self.slots()[0]
        self.poke(slot.offset + slots.PAYLOAD_AT + 300, b"?")
        self.refuses("slot A: its SHA-256 is not the one in its header",
                     "no slot of this disk can be booted")

    def test_kernel_that_was_not_signed(self):
        self.make()
        self.sign()
        self.replace_kernel()
        self.refuses("slot A: its kernel is not among those that this loader was signed with",
                     "no slot of this disk can be booted")

    def test_kernel_that_was_not_signed_is_passed_over(self):
        self.make(second_elf=(KERNELS / "large_3m.elf").read_bytes())
        self.sign()
        self.replace_kernel()
        guest = self.boot()
        guest.expect("exocore: slot A: its kernel is not among those .*\n", 60)
        guest.expect("OK exocore UEFI loader 1\n", 60)

    def replace_kernel(self):
        """Writes another kernel into slot A, with a header that fits it."""
        payload = image.strip_elf((KERNELS / "other.elf").read_bytes())
        offset = self.slots()[0].offset
        self.poke(offset + slots.PAYLOAD_AT, payload)
        self.poke(offset, slots.header(payload))

    def test_command_line_that_was_not_signed(self):
        self.make(cmdline="signed")
        self.sign()
        image.set_cmdline(self.path, "altered")
        self.assertIn("cmdline=signed\n", self.accepts())

    def test_loader_signed_without_a_list(self):
        bare = sign.sbsign((LOADER / "BOOTX64.EFI").read_bytes(), self.keys / "ours.key",
                           self.keys / "ours.crt")
        self.make(efi=bare)
        self.refuses("slot A: Secure Boot is on, and this loader was signed without a list "
                     "of kernels", "no slot of this disk can be booted")

    def test_a_key_that_is_none(self):
        self.make()
        (self.keys / "none.key").write_text("no key")
        with self.assertRaisesRegex(ValueError, "sbsign"):
            sign.sign_image(self.path, self.keys / "none.key", self.keys / "ours.crt")


if __name__ == "__main__":
    unittest.main()
