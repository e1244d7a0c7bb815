"""ggml-model.py FILE: whisper.cpp's model for tests: hyperparameters of "tiny", mel filters, and no tensors."""
import struct, sys

with open(sys.argv[1], 'wb') as file:
    file.write(struct.pack('<I11i', 0x67676d6c, 51864, 1500, 384, 6, 4, 448, 384, 6, 4, 80, 1))
    file.write(struct.pack('<2i', 80, 201) + bytes(80 * 201 * 4) + struct.pack('<i', 0))
