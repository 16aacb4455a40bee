"""SipHash-c-d in plain integers: slow and close to the paper (Aumasson and Bernstein, 2012)."""

_WORD = 2**64 - 1


def siphash(key: bytes, message: bytes, compressions: int, finalizations: int) -> int:
    """The 64-bit hash of `message` under the 16-byte `key`."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    state = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) % 256])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        state[3] ^= word
        for _ in range(compressions):
            state = _round(state)
        state[0] ^= word
    state[2] ^= 0xFF
    for _ in range(finalizations):
        state = _round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _round(state: list[int]) -> list[int]:
    v0, v1, v2, v3 = state
    v0, v2 = (v0 + v1) & _WORD, (v2 + v3) & _WORD
    v1, v3 = _rotate(v1, 13) ^ v0, _rotate(v3, 16) ^ v2
    v0 = _rotate(v0, 32)
    v2, v0 = (v2 + v1) & _WORD, (v0 + v3) & _WORD
    v1, v3 = _rotate(v1, 17) ^ v2, _rotate(v3, 21) ^ v0
    return [v0, v1, _rotate(v2, 32), v3]


def _rotate(x: int, bits: int) -> int:
    return ((x << bits) | (x >> (64 - bits))) & _WORD
