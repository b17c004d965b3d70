"""The script of a package: what it sends to the boot loader, and what it reads of the self-test's answer."""

import binascii
import json
import runpy
import struct
from types import SimpleNamespace

import pytest

from efnas.export.package.folder import BOARD

SOH, EOT, ACK, NAK, CAN = b"\x01", b"\x04", b"\x06", b"\x15", b"\x18"


@pytest.fixture
def board():
    return SimpleNamespace(**runpy.run_path(str(BOARD / "board.py")))


class BootLoader:
    """The other end of the line, as the vendor's script expects it: a menu, then files by XMODEM, each of a model after
    a block that says where it goes. What is `flawed` (numbers of packets) arrives damaged."""

    def __init__(self, flawed=(), ends_at=None):
        self.out = b"1st BL\r\nPlease input any key to enter X-Modem mode in 100 ms\r\n"
        self.flawed, self.ends_at = set(flawed), ends_at
        self.state, self.packet, self.content, self.count, self.address = "prompt", b"", b"", 0, None
        self.files, self.rebooted = [], False

    def reset_input_buffer(self):
        self.out = b""

    def read(self, count):
        if not self.out and self.state == "receiving" and not self.content:
            self.out = b"C"
        given, self.out = self.out[:count], self.out[count:]
        return given

    def write(self, written):
        if self.state == "prompt" and b"1" in written:
            self.out += b"[1] Xmodem\r\nSend data using the xmodem protocol from your terminal\r\n"
            self.state = "receiving"
        elif self.state == "asked":
            self.state, self.rebooted = "receiving", b"y" in written
        elif self.state == "receiving" and (self.packet or written[:1] in (SOH, EOT)):
            self._take(written)

    def _take(self, written):
        if written == EOT:
            self._end_of_file()
            return
        assert len(written) == 133 and written[:1] == SOH
        self.count += 1
        number, other, block = written[1], written[2], written[3:131]
        assert number + other == 255 and number == (len(self.content) // 128 + 1) % 256
        assert struct.unpack(">H", written[131:]) == (binascii.crc_hqx(block, 0),)
        if self.count == self.ends_at:
            self.out += CAN
        elif self.count in self.flawed:
            self.out += NAK
        else:
            self.content += block
            self.out += ACK

    def _end_of_file(self):
        self.out += ACK + b"\r\nDo you want to end file transmission and reboot system? (y)\r\n"
        self.state = "asked"
        if self.content[:2] == b"\xc0\x5a" and len(self.content) == 128:
            self.address, offset, end = struct.unpack("<II2s", self.content[2:12])
            assert (offset, end, self.content[12:]) == (0, b"\x5a\xc0", b"\xff" * 116)
        else:
            self.files.append((self.address, self.content))
        self.content = b""


FILES = [("network", 0x200000, bytes(range(256)) * 140 + b"end"), ("vectors", 0x20A000, b"\xc0\x5a" * 200)]


@pytest.mark.parametrize("firmware", [None, b"firmware" * 99])
def test_the_files_arrive_where_they_belong_although_packets_are_damaged(board, firmware):
    port = BootLoader(flawed=(1, 2, 9, 250))
    board.flash(port, firmware, FILES, pause=0)
    sent = [(None, firmware)] if firmware else []
    sent += [(address, content) for _, address, content in FILES]
    assert [(address, content[: len(whole)]) for (address, content), (_, whole) in zip(port.files, sent)] == sent
    assert all(set(content[len(whole) :]) <= {0x1A} for (_, content), (_, whole) in zip(port.files, sent))
    assert port.rebooted


def test_a_line_that_never_gets_through_is_an_error(board):
    with pytest.raises(board.BoardError, match="did not take block 1 in 10 tries"):
        board.flash(BootLoader(flawed=range(1, 999)), b"firmware", [], pause=0)
    with pytest.raises(board.BoardError, match="ended the transfer at block 3"):
        board.flash(BootLoader(ends_at=3), b"firmware" * 99, [], pause=0)


def test_the_answer_of_the_self_test_is_found_among_other_lines(board):
    class Line:
        def __init__(self, said):
            self.said = iter(said)

        def read(self, count):
            return bytes([next(self.said)])

    told = b"boot\r\nefnas-selftest: %s most=1 mean=0.0123 us=183544\r\nmore\r\n"
    passed, figures = board.read_answer(Line(told % b"pass pairs=3"), 5)
    assert passed and figures == {"pairs": "3", "most": "1", "mean": "0.0123", "us": "183544"}
    passed, figures = board.read_answer(Line(told % b"fail why=outputs"), 5)
    assert not passed and figures["why"] == "outputs"
    with pytest.raises(board.BoardError, match="No answer"):
        board.read_answer(Line(b"\x00"), 0)


def test_a_damaged_package_and_a_large_firmware_are_refused(board, tmp_path):
    (tmp_path / "network_vela.tflite").write_bytes(b"network")
    about = {"files": {"network_vela.tflite": {"crc32": "00000000"}}, "flash": {}, "firmware_limit": 5}
    (tmp_path / "package.json").write_text(json.dumps(about))
    with pytest.raises(board.BoardError, match="network_vela.tflite is damaged"):
        board.package_files(tmp_path)
    with pytest.raises(board.BoardError, match="has 7 bytes; the board takes 5"):
        board.read_firmware(tmp_path / "network_vela.tflite", 5)
