"""One tensor on the GPU."""
import torch

try:
    print(torch.zeros(4, device='cuda').abs())
except Exception as error:
    print(type(error).__name__, error)
