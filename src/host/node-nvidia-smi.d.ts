declare module 'node-nvidia-smi' {
  export default function smi(callback: (error: unknown, data: unknown) => void): void
}
