# SPDX-License-Identifier: MIT
"""Seeded garbage for a NIC: valid frames of every protocol the stack knows, then spoilt.

A frame is built right, spoilt by some of the rules below, and in half of all cases given
right checksums again, so that it gets past them to the code behind. The rules are the
mistakes that shipped stacks were broken with: lengths that lie, options that never end,
headers cut at any byte (the CVE lists of AMNESIA:33, Ripple20, URGENT/11, NAME:WRECK).

Who sends matters, because an answer is owed to a peer that exists:
    peers    addresses that the client's kernel answers for, with ARP and RST
    ghosts   addresses behind which there is nobody
"""
import ipaddress
import struct

ETH_BYTES = 14
LEAST_BYTES = ETH_BYTES  # a TAP device refuses less: shorter ones are the unit tests'
MOST_BYTES = 1514
BROADCAST = b"\xff" * 6
TCP_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32}
MARKS = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 19, 20, 21, 0x7f, 0x80, 0xff]
WIDE_MARKS = MARKS + [0x100, 0x5dc, 0x7fff, 0x8000, 0xfffe, 0xffff]


def checksum(data):
    """RFC 1071: the one's complement of the one's complement sum of 16-bit words."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address(text):
    return ipaddress.ip_address(text).packed


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def put16(frame, at, value):
    if at + 2 <= len(frame):
        frame[at:at + 2] = struct.pack("!H", value & 0xffff)


def fix_checksums(frame):
    """Right IPv4 and TCP, UDP or ICMP checksums over whatever lengths the frame now claims."""
    if len(frame) < ETH_BYTES + 20 or frame[12:14] != b"\x08\x00":
        return
    header = (frame[ETH_BYTES] & 15) * 4
    put16(frame, ETH_BYTES + 10, 0)
    put16(frame, ETH_BYTES + 10, checksum(bytes(frame[ETH_BYTES:ETH_BYTES + header])))
    start = ETH_BYTES + header
    claimed = ETH_BYTES + struct.unpack_from("!H", frame, ETH_BYTES + 2)[0]
    payload = frame[start:max(start, min(claimed, len(frame)))]
    protocol = frame[ETH_BYTES + 9]
    at = {1: 2, 6: 16, 17: 6}.get(protocol)
    if at is None or len(payload) < at + 2:
        return
    pseudo = b""
    if protocol != 1:
        pseudo = bytes(frame[ETH_BYTES + 12:ETH_BYTES + 20]) + \
            struct.pack("!BBH", 0, protocol, len(payload))
    put16(payload, at, 0)
    put16(frame, start + at, checksum(pseudo + bytes(payload)))


class Garbage:
    """An endless supply of frames for one guest, the same for the same random.Random."""

    def __init__(self, random, guest, guest_mac, client, client_mac, peers, ghosts):
        self.random = random
        self.guest, self.guest_mac = address(guest), mac(guest_mac)
        self.client, self.client_mac = address(client), mac(client_mac)
        self.peers, self.ghosts = [address(p) for p in peers], [address(g) for g in ghosts]
        self.live = None  # (client port, server port) of a connection to be left in peace
        self.kinds = [self.arp, self.icmp, self.udp, self.dhcp, self.fragment, self.other,
                      self.noise, self.live_tcp, self.tcp, self.tcp, self.syn, self.syn]

    def frame(self):
        random = self.random
        frame = random.choice(self.kinds)()
        if random.random() < 0.8:
            for _ in range(random.choice([1, 1, 2, 4])):
                random.choice(self.SPOIL)(self, frame)
            if random.random() < 0.5:
                fix_checksums(frame)
        return self.bounded(self.harmless(frame))

    def announcement(self, owner):
        """ARP: `owner` is at the client (RFC 5227 §3). Whoever heard otherwise hears the truth."""
        return bytes(self.eth(0x0806, struct.pack(
            "!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, self.client_mac, address(owner), bytes(6),
            address(owner)), BROADCAST))

    # --- valid frames ------------------------------------------------------------------

    def source(self):
        """Mostly somebody who can answer; ghosts leave half-open connections behind."""
        if self.random.random() < 0.02:
            return self.random.choice(self.ghosts)
        return self.random.choice(self.peers)

    def eth(self, ethertype, payload, to=None):
        return bytearray((to or self.guest_mac) + self.client_mac
                         + struct.pack("!H", ethertype) + payload)

    def ip4(self, protocol, payload, source=None, to=None, options=b"", fragment=0x4000):
        words = 5 + len(options) // 4
        frame = self.eth(0x0800, struct.pack(
            "!BBHHHBBH4s4s", 0x40 | words, 0, words * 4 + len(payload),
            self.random.getrandbits(16), fragment, 64, protocol, 0,
            source or self.source(), to or self.guest) + options + payload)
        fix_checksums(frame)
        return frame

    def arp(self):
        random = self.random
        target = random.choice([self.guest, self.guest, random.choice(self.peers)])
        sender = random.choice([self.source(), self.guest, bytes(4)])
        packet = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, random.choice([1, 1, 2, 3, 8]),
                             self.client_mac, sender, random.choice([bytes(6), self.guest_mac]),
                             target)
        return self.eth(0x0806, packet, random.choice([BROADCAST, self.guest_mac]))

    def icmp(self):
        random = self.random
        kind = random.choice([8, 8, 8, 0, 3, 4, 5, 9, 11, 12, 13, 17, random.getrandbits(8)])
        if kind in (3, 4, 5, 11, 12):  # errors quote what they are about
            quoted = bytes(self.live_tcp() if self.live and random.random() < 0.5
                           else self.tcp())[ETH_BYTES:]
            body = quoted[:random.choice([28, 28, len(quoted)])]
        else:
            body = random.randbytes(random.choice([0, 1, 7, 56, 1400]))
        rest = random.getrandbits(32)
        return self.ip4(1, struct.pack("!BBHI", kind, random.choice([0, 0, 1, 3, 4, 13]), 0, rest)
                        + body)

    def udp(self, source_port=None, port=None, body=None):
        random = self.random
        if body is None:
            body = random.randbytes(random.choice([0, 1, 8, 300, 1400]))
        ports = (source_port or random.getrandbits(16),
                 port or random.choice([7, 53, 68, 80, random.getrandbits(16)]))
        return self.ip4(17, struct.pack("!HHHH", *ports, 8 + len(body), 0) + body)

    def dhcp(self):
        """A server's answer (RFC 2131) to a question that nobody asked."""
        random = self.random
        options = b"\x63\x82\x53\x63" + b"".join(
            struct.pack("!BB", code, len(value)) + value for code, value in (
                (53, bytes([random.choice([2, 5, 6, random.getrandbits(8)])])),
                (54, self.client), (51, random.randbytes(4)), (1, random.randbytes(4)),
                (3, random.randbytes(4)), (121, random.randbytes(random.randrange(9)))))
        body = struct.pack("!BBBBIHH4s4s4s4s6s10s192s", 2, 1, 6, 0, random.getrandbits(32), 0, 0,
                           bytes(4), random.randbytes(4), self.client, bytes(4), self.guest_mac,
                           bytes(10), bytes(192))
        return self.udp(67, 68, body + options + random.choice([b"\xff", b"", b"\x34\x01\x03"]))

    def segment(self, source_port, port, flags, options=b"", body=b"", source=None):
        random = self.random
        options += bytes(-len(options) % 4)
        words = 5 + len(options) // 4
        return self.ip4(6, struct.pack(
            "!HHIIHHHH", source_port, port, random.getrandbits(32), random.getrandbits(32),
            words << 12 | flags, random.choice([0, 1, 1024, 65535]), 0,
            random.choice([0, 0, 1, 65535]) if flags & TCP_FLAGS["URG"] else 0)
            + options + body, source)

    def tcp_options(self):
        random = self.random
        known = [b"\x02\x04\x05\xb4", b"\x02\x04\0\0", b"\x03\x03\x07", b"\x03\x03\xff", b"\x01",
                 b"\x04\x02", b"\x08\x0a" + random.randbytes(8), b"\x05\x0a" + random.randbytes(8),
                 b"\x02\0", b"\x03\x01", b"\xfe\x28", b"\0", random.randbytes(3)]
        return b"".join(random.sample(known, random.randrange(5)))[:40]

    def syn(self):
        body = self.random.choice([b"", b"", b"GET / HTTP/1.1\r\n\r\n"])
        return self.segment(self.random.randrange(1024, 32768), 80, TCP_FLAGS["SYN"],
                            self.tcp_options(), body)

    def flood(self):
        """A good SYN to port 80 from somebody who will never answer."""
        return bytes(self.segment(
            self.random.randrange(1024, 65536), 80, TCP_FLAGS["SYN"],
            b"\x02\x04\x05\xb4\x01\x03\x03\x07", source=self.random.choice(self.ghosts)))

    def tcp(self):
        random = self.random
        return self.segment(random.randrange(1, 32768), random.choice([80, 80, 22, 81, 0]),
                            random.getrandbits(6), self.tcp_options(),
                            random.randbytes(random.choice([0, 0, 1, 100, 1400])))

    def live_tcp(self):
        """Into the middle of a real connection, its sequence numbers guessed."""
        if self.live is None:
            return self.tcp()
        return self.segment(*self.live, self.random.getrandbits(6), self.tcp_options(),
                            self.random.randbytes(self.random.choice([0, 1, 100])), self.client)

    def fragment(self):
        random = self.random
        where = random.choice([0x2000, 0x2000 | random.getrandbits(13), random.getrandbits(13)])
        return self.ip4(random.choice([1, 6, 17]), random.randbytes(random.choice([8, 24, 800])),
                        fragment=where)

    def other(self):
        """Options, other protocols above IPv4, other protocols below it."""
        random = self.random
        if random.random() < 0.5:
            options = random.choice([b"\x07\x07\x04\0\0\0\0\0", b"\x83\x03\x04\0", b"\x44\0\0\0",
                                     b"\x01\x01\x07\x28", random.randbytes(40)])
            return self.ip4(random.choice([1, 2, 4, 41, 47, 50, 132, 255]),
                            random.randbytes(40), options=options)
        kind = random.choice([0x86dd, 0x8100, 0x88a8, 0x0805, 0, 46, 0x5dc, 0xffff])
        return self.eth(kind, random.randbytes(random.choice([0, 1, 46, 1500])))

    def noise(self):
        return self.eth(self.random.choice([0x0800, 0x0800, 0x0806]),
                        self.random.randbytes(self.random.randrange(200)))

    # --- spoiling ----------------------------------------------------------------------

    def flip_bits(self, frame):
        for _ in range(self.random.choice([1, 1, 8])):
            bit = self.random.randrange(ETH_BYTES * 8, max(ETH_BYTES * 8 + 1, len(frame) * 8))
            if bit // 8 < len(frame):
                frame[bit // 8] ^= 1 << bit % 8

    def set_byte(self, frame):
        if len(frame) > ETH_BYTES:
            frame[self.random.randrange(ETH_BYTES, len(frame))] = self.random.choice(MARKS)

    def truncate(self, frame):
        del frame[self.random.randrange(LEAST_BYTES, len(frame) + 1):]

    def extend(self, frame):
        frame += self.random.randbytes(self.random.choice([1, 6, 46, 600]))

    def lie_about_ip_length(self, frame):
        put16(frame, ETH_BYTES + 2, self.random.choice(WIDE_MARKS + [
            len(frame) - ETH_BYTES - 1, len(frame) - ETH_BYTES + 1]))

    def lie_about_ip_header(self, frame):
        if len(frame) > ETH_BYTES:
            frame[ETH_BYTES] = self.random.getrandbits(8) if self.random.random() < 0.3 \
                else 0x40 | self.random.getrandbits(4)

    def lie_about_transport(self, frame):
        """TCP's data offset or UDP's length, where they are without IP options."""
        at = ETH_BYTES + 20
        if self.random.random() < 0.5 and at + 12 < len(frame):
            frame[at + 12] = self.random.getrandbits(8)
        else:
            put16(frame, at + 4, self.random.choice(WIDE_MARKS))

    def readdress(self, frame):
        """From and to addresses that no frame should have."""
        odd = [self.guest, bytes(4), b"\xff" * 4, b"\x7f\0\0\x01", b"\xe0\0\0\x01",
               self.guest[:3] + b"\xff", self.random.randbytes(4)]
        at = ETH_BYTES + self.random.choice([12, 16])
        if at + 4 <= len(frame) and frame[12:14] == b"\x08\x00":
            frame[at:at + 4] = self.random.choice(odd)

    def redirect(self, frame):
        group = b"\x01\0\x5e\0\0\x01"
        frame[0:6] = self.random.choice([BROADCAST, group, self.random.randbytes(6)])

    SPOIL = [flip_bits, flip_bits, set_byte, truncate, truncate, extend, lie_about_ip_length,
             lie_about_ip_header, lie_about_transport, lie_about_transport, readdress, redirect]

    # --- last look ---------------------------------------------------------------------

    def harmless(self, frame):
        """ARP has no proof of identity: what takes the client's address away is left out."""
        if frame[12:14] == b"\x08\x06" and frame[ETH_BYTES + 14:ETH_BYTES + 18] == self.client:
            frame[ETH_BYTES + 14:ETH_BYTES + 18] = self.random.choice(self.ghosts)
        return frame

    def bounded(self, frame):
        del frame[MOST_BYTES:]
        return bytes(frame.ljust(LEAST_BYTES, b"\0"))
