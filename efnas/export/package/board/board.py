#!/usr/bin/env python3
"""Puts the package onto a Grove Vision AI V2 over its serial line, and reads the answer of the self-test.

    python board.py flash --port /dev/ttyACM0 --firmware output.img
    python board.py selftest --port /dev/ttyACM0

It needs pyserial and no more. What it says to the boot loader is what the vendor's xmodem_send.py says.
"""

import argparse
import binascii
import json
import struct
import sys
import time
from pathlib import Path

SOH, EOT, ACK, NAK, CAN, WANTED = b"\x01", b"\x04", b"\x06", b"\x15", b"\x18", b"C"
BLOCK, TRIES = 128, 10
MENU = b"Send data using the xmodem protocol from your terminal"
MORE = b"Do you want to end file transmission and reboot system? (y)"
ANSWER = "efnas-selftest:"


class BoardError(Exception):
    pass


def wait_for(port, text, seconds, key=b""):
    """Read until a line holds the text; `key` is typed after each line, as at the prompt of the boot loader."""
    until, line = time.monotonic() + seconds, b""
    while time.monotonic() < until:
        line = (line + port.read(1))[-256:]
        if text in line:
            return
        if line.endswith(b"\n"):
            line = b""
        if key and not line:
            port.write(key)
    raise BoardError(f"The board did not say '{text.decode()}' within {seconds} s.")


def send(port, content, progress=lambda done, total: None):
    """One file by XMODEM with CRC, 128 bytes a block; the last block is filled up."""
    for _ in range(60 * TRIES):
        if port.read(1) == WANTED:
            break
    else:
        raise BoardError("The board does not ask for a file.")
    blocks = [content[at : at + BLOCK].ljust(BLOCK, b"\x1a") for at in range(0, len(content), BLOCK)]
    for number, block in enumerate(blocks, 1):
        place = bytes([number % 256, 255 - number % 256])
        _until_taken(port, SOH + place + block + struct.pack(">H", binascii.crc_hqx(block, 0)), number)
        progress(number, len(blocks))
    _until_taken(port, EOT, "the end")


def _until_taken(port, packet, what):
    for _ in range(TRIES):
        port.write(packet)
        answer = port.read(1)
        while answer == WANTED:  # asked before the first block came
            answer = port.read(1)
        if answer == ACK:
            return
        if answer == CAN:
            raise BoardError(f"The board ended the transfer at block {what}.")
    raise BoardError(f"The board did not take block {what} in {TRIES} tries.")


def preamble(address, offset=0):
    """The block before a file: where in the flash it goes."""
    return (b"\xc0\x5a" + struct.pack("<II", address, offset) + b"\x5a\xc0").ljust(BLOCK, b"\xff")


def flash(port, firmware, files, progress=lambda name, done, total: None, pause=1.0):
    """The firmware (or None), then files as (name, address, content)."""
    wait_for(port, MENU, 120, key=b"1\r")
    _type(port, b"1\r", pause)
    if firmware is not None:
        send(port, firmware, lambda done, total: progress("firmware", done, total))
        wait_for(port, MORE, 60)
    for name, address, content in files:
        _type(port, b"n\r", pause)
        send(port, preamble(address))
        wait_for(port, MORE, 60)
        _type(port, b"n\r", pause)
        send(port, content, lambda done, total, name=name: progress(name, done, total))
        wait_for(port, MORE, 60)
    _type(port, b"y\r", pause)


def _type(port, key, pause):
    time.sleep(pause)
    port.reset_input_buffer()
    port.write(key)


def read_answer(port, seconds):
    """The line of the self-test: whether it passed, and its figures by name."""
    until, line = time.monotonic() + seconds, b""
    while time.monotonic() < until:
        line += port.read(1)
        if line.endswith(b"\n"):
            text = line.decode("ascii", "replace").strip()
            if ANSWER in text:
                words = text.split(ANSWER, 1)[1].split()
                return words[0] == "pass", dict(word.split("=", 1) for word in words[1:] if "=" in word)
            line = b""
    raise BoardError(f"No answer of the self-test came within {seconds} s: press the board's reset button.")


def package_files(folder):
    """(name, flash address, content) of the files that go into the flash, each as package.json has it."""
    about = json.loads((folder / "package.json").read_text())
    found = []
    for name, part in (("network_vela.tflite", "model"), ("vectors.bin", "vectors")):
        content = (folder / name).read_bytes()
        if f"{binascii.crc32(content):08x}" != about["files"][name]["crc32"]:
            raise BoardError(f"{name} is damaged, or another file than package.json describes.")
        found.append((name, about["flash"][part]["address"], content))
    return found, about["firmware_limit"]


def read_firmware(path, limit):
    content = path.read_bytes()
    if len(content) > limit:
        raise BoardError(f"{path} has {len(content)} bytes; the board takes {limit} at most.")
    return content


def show(name, done, total):
    print(f"\r{name} {done}/{total}", end="\n" if done == total else "", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["flash", "selftest"])
    parser.add_argument("--port", required=True, help="/dev/ttyACM0, COM3 ...")
    parser.add_argument("--baudrate", type=int, default=921600)
    parser.add_argument("--firmware", type=Path, help="the image that the vendor's tool made; left out: as it is")
    parser.add_argument("--seconds", type=int, default=120, help="how long to wait for the self-test")
    options = parser.parse_args()
    folder = Path(__file__).resolve().parent
    try:
        files, limit = package_files(folder)
        firmware = read_firmware(options.firmware, limit) if options.firmware else None
        import serial

        with serial.Serial(options.port, options.baudrate, timeout=1) as port:
            print("Press the reset button of the board.")
            if options.action == "flash":
                flash(port, firmware, files, show)
                print("Written.")
                return 0
            passed, figures = read_answer(port, options.seconds)
    except ImportError:
        print("Error: pyserial is missing: pip install pyserial", file=sys.stderr)
        return 2
    except (BoardError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print("passed" if passed else "failed")
    for name, value in figures.items():
        print(f"{name:8} {value}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
