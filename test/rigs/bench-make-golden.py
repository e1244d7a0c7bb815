#!/usr/bin/env python3
"""Writes test/bench/golden/features.json: Whisper log-mel and Kaldi filter banks in float64, straight from their definitions.

Written apart from src/bench/features: dense DFT matrices instead of an FFT, filters from their formulas. Needs numpy.
The signal is made of exact operations, so that every language makes the same one."""
import base64, json, os, sys
import numpy as np


def signal(n):
    """Two sweeping squares and noise from a linear congruential generator, all exact in float32."""
    state, out = 12345, []
    for i in range(n):
        state = (1103515245 * state + 12345) % 2**31
        noise = (state >> 16) / 32768 - 0.5
        square = 1 if (i * (3 + i // 997)) // 160 % 2 == 0 else -1
        out.append(noise / 4 + square / 8 if i < n * 7 // 8 else noise / 4096)
    return np.array(out, dtype=np.float32)


def dft_power(frames, size):
    k, n = np.arange(size // 2 + 1)[:, None], np.arange(frames.shape[1])[None, :]
    angle = 2 * np.pi * ((k * n) % size) / size
    return (frames @ np.cos(angle).T) ** 2 + (frames @ np.sin(angle).T) ** 2


def slaney(mels, size, rate):
    def to_hz(m):
        return np.where(m < 15, 200.0 / 3 * m, 1000.0 * np.exp(np.log(6.4) / 27 * (m - 15)))
    top = 15 + np.log(rate / 2 / 1000) / (np.log(6.4) / 27)
    edges = to_hz(np.linspace(0, top, mels + 2))
    bins = np.arange(size // 2 + 1) * rate / size
    bank = np.zeros((mels, len(bins)))
    for m in range(mels):
        up = (bins - edges[m]) / (edges[m + 1] - edges[m])
        down = (edges[m + 2] - bins) / (edges[m + 2] - edges[m + 1])
        bank[m] = np.maximum(0, np.minimum(up, down)) * 2 / (edges[m + 2] - edges[m])
    return bank


def whisper(x, mels):
    x = np.pad(x.astype(np.float64), 200, mode='reflect')
    window = 0.5 * (1 - np.cos(2 * np.pi * np.arange(400) / 400))
    count = (len(x) - 400) // 160 + 1
    frames = np.stack([x[i * 160:i * 160 + 400] * window for i in range(count)])[:-1]
    log = np.log10(np.maximum(slaney(mels, 400, 16000) @ dft_power(frames, 400).T, 1e-10))
    return (np.maximum(log, log.max() - 8) + 4) / 4


def kaldi(x, mels, snip, low, high, scale):
    x = x.astype(np.float64) * scale
    if snip:
        count = 1 + (len(x) - 400) // 160
        frames = np.stack([x[i * 160:i * 160 + 400] for i in range(count)])
    else:
        count = (len(x) + 80) // 160
        mirrored = np.concatenate([x[::-1], x, x[::-1]])
        frames = np.stack([mirrored[len(x) + i * 160 - 120:][:400] for i in range(count)])
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    power = dft_power((frames - 0.97 * before) * window, 512)[:, :256]
    to_mel = lambda f: 1127.0 * np.log(1 + f / 700.0)
    edges = np.linspace(to_mel(low), to_mel(8000.0 + high if high <= 0 else high), mels + 2)
    at = to_mel(np.arange(256) * 16000 / 512)
    bank = np.stack([np.maximum(0, np.minimum((at - edges[m]) / (edges[m + 1] - edges[m]), (edges[m + 2] - at) / (edges[m + 2] - edges[m + 1]))) for m in range(mels)])
    return np.log(np.maximum(power @ bank.T, np.finfo(np.float32).eps))


def packed(a):
    return {'shape': list(a.shape), 'float64': base64.b64encode(np.ascontiguousarray(a, dtype='<f8').tobytes()).decode()}


if __name__ == '__main__':
    x = signal(4800)
    golden = {
        'samples': len(x), 'sum': float(x.astype(np.float64).sum()),
        'whisper80': packed(whisper(x, 80)), 'whisper128': packed(whisper(x, 128)),
        'kaldi80': packed(kaldi(x, 80, True, 20, 0, 32768)), 'sherpa80': packed(kaldi(x, 80, False, 20, -400, 1)),
    }
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), '..', 'bench', 'golden', 'features.json')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        json.dump(golden, f, indent=1)
