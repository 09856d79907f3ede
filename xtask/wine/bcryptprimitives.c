/* A library of Windows 10 that wine before 9 lacks, as far as Rust's standard library needs it: random bytes, which it takes from
   the older function for the same. */

#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    const SIZE_T most = 1 << 20;
    while (length > 0) {
        ULONG step = (ULONG)(length < most ? length : most);
        if (!SystemFunction036(buffer, step)) {
            return FALSE;
        }
        buffer += step;
        length -= step;
    }
    return TRUE;
}
