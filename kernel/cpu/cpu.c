/* Which processor is this, and what can it do?
 *
 * CPUID answers both, but the first 486s do not have it: it exists if software can change the
 * ID flag in EFLAGS (SDM vol. 1, 20.1.2).  Without it we assume nothing but a plain 486; the
 * FPU can still be asked directly (FNINIT leaves a known status word, and without an FPU
 * nothing writes it).
 *
 * CR4 has no feature flag of its own: it came together with the first features that it
 * controls.  Touching it where it does not exist raises #UD. */
#include "kernel/cpu/cpu.h"

#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

/* CPUID leaves (SDM vol. 2, CPUID). */
#define LEAF_VENDOR 0u
#define LEAF_FEATURES 1u
#define LEAF_EXTENDED_FEATURES 7u
#define LEAF_EXTENDED_MAX 0x80000000u
#define LEAF_BRAND_FIRST 0x80000002u
#define LEAF_BRAND_LAST 0x80000004u

/* EDX bits of leaf 1 whose presence proves that CR4 exists: VME, DE, PSE, TSC, PAE, MCE, PGE,
 * FXSR. */
#define EDX_IMPLIES_CR4 0x010020DEu

/* Leaf 1, EBX 15:8: the line that CLFLUSH flushes, in units of 8 bytes. */
#define EBX_LINE_SHIFT 8
#define EBX_LINE_UNIT 8u

struct cpu_info cpu_info;

/* Where each feature is reported, and its name in Linux's /proc/cpuinfo. */
enum cpuid_register { NOT_IN_CPUID, LEAF1_EDX, LEAF7_EBX, LEAF7_ECX };
static const struct {
    const char *name;
    enum cpuid_register reg;
    unsigned bit;
} features[CPU_FEATURE_COUNT] = {
    [CPU_CPUID] = { "cpuid", NOT_IN_CPUID, 0 },   [CPU_FPU] = { "fpu", LEAF1_EDX, 0 },
    [CPU_CR4] = { "cr4", NOT_IN_CPUID, 0 },       [CPU_PSE] = { "pse", LEAF1_EDX, 3 },
    [CPU_TSC] = { "tsc", LEAF1_EDX, 4 },          [CPU_PGE] = { "pge", LEAF1_EDX, 13 },
    [CPU_CLFLUSH] = { "clflush", LEAF1_EDX, 19 }, [CPU_FXSR] = { "fxsr", LEAF1_EDX, 24 },
    [CPU_SSE] = { "sse", LEAF1_EDX, 25 },         [CPU_SMEP] = { "smep", LEAF7_EBX, 7 },
    [CPU_SMAP] = { "smap", LEAF7_EBX, 20 },       [CPU_UMIP] = { "umip", LEAF7_ECX, 2 },
};

const char *cpu_feature_name(enum cpu_feature feature)
{
    return features[feature].name;
}

/* CPUID exists if the ID flag can be changed. */
static bool cpuid_exists(void)
{
    uint32_t before = eflags_read();
    irq_restore(before ^ EFLAGS_ID);
    bool changed = ((eflags_read() ^ before) & EFLAGS_ID) != 0;
    irq_restore(before);
    return changed;
}

/* FNINIT sets the status word to 0; without an FPU the instruction is ignored (CR0.EM and
 * CR0.TS must be off, or it traps). */
static bool fpu_answers(void)
{
    const uint16_t never_written = 0x5A5A;
    uint16_t status = never_written;
    cr0_write(cr0_read() & ~(CR0_EM | CR0_TS));
    __asm__ volatile("fninit; fnstsw %0" : "+m"(status));
    return status == 0;
}

static void set_feature(enum cpu_feature feature)
{
    cpu_info.features |= 1u << feature;
}

static void detect_features(const struct cpuid_result *leaf1, const struct cpuid_result *leaf7)
{
    for (unsigned i = 0; i < CPU_FEATURE_COUNT; i++) {
        uint32_t bits = features[i].reg == LEAF1_EDX   ? leaf1->edx
                        : features[i].reg == LEAF7_EBX ? leaf7->ebx
                        : features[i].reg == LEAF7_ECX ? leaf7->ecx
                                                       : 0;
        if ((bits >> features[i].bit) & 1)
            set_feature(i);
    }
    if (leaf1->edx & EDX_IMPLIES_CR4)
        set_feature(CPU_CR4);
}

/* Leaf 1 EAX: stepping 3:0, model 7:4, family 11:8, extended model 19:16, extended family
 * 27:20. */
static void decode_signature(uint32_t eax)
{
    cpu_info.stepping = eax & 0xF;
    cpu_info.model = (eax >> 4) & 0xF;
    cpu_info.family = (eax >> 8) & 0xF;
    if (cpu_info.family == 6 || cpu_info.family == 15)
        cpu_info.model |= (eax >> 12) & 0xF0;
    if (cpu_info.family == 15)
        cpu_info.family += (eax >> 20) & 0xFF;
}

/* The marketing name is 3 x 16 bytes, right-justified with blanks on some processors. */
static void read_brand(void)
{
    char text[sizeof(cpu_info.model_name)] = "";
    if (cpuid(LEAF_EXTENDED_MAX, 0).eax >= LEAF_BRAND_LAST) {
        for (uint32_t leaf = LEAF_BRAND_FIRST; leaf <= LEAF_BRAND_LAST; leaf++) {
            struct cpuid_result r = cpuid(leaf, 0);
            memcpy(text + (leaf - LEAF_BRAND_FIRST) * sizeof(r), &r, sizeof(r));
        }
    }
    const char *start = text;
    while (*start == ' ')
        start++;
    if (*start != '\0')
        strlcpy(cpu_info.model_name, start, sizeof(cpu_info.model_name));
}

static void read_cpuid(void)
{
    struct cpuid_result r = cpuid(LEAF_VENDOR, 0), leaf7 = { 0 };
    uint32_t max_leaf = r.eax;
    memcpy(cpu_info.vendor, &r.ebx, 4);
    memcpy(cpu_info.vendor + 4, &r.edx, 4);
    memcpy(cpu_info.vendor + 8, &r.ecx, 4);

    struct cpuid_result leaf1 = cpuid(LEAF_FEATURES, 0);
    if (max_leaf >= LEAF_EXTENDED_FEATURES)
        leaf7 = cpuid(LEAF_EXTENDED_FEATURES, 0);
    cpu_info.hwcap = leaf1.edx;
    decode_signature(leaf1.eax);
    detect_features(&leaf1, &leaf7);
    if (cpu_has(CPU_CLFLUSH))
        cpu_info.clflush_bytes = (leaf1.ebx >> EBX_LINE_SHIFT & 0xFF) * EBX_LINE_UNIT;
    snprintf(cpu_info.model_name, sizeof(cpu_info.model_name), "family %u model %u",
             cpu_info.family, cpu_info.model);
    read_brand();
}

void cpu_detect(void)
{
    memset(&cpu_info, 0, sizeof(cpu_info));
    if (cpuid_exists()) {
        set_feature(CPU_CPUID);
        read_cpuid();
        return;
    }
    strlcpy(cpu_info.vendor, "i486", sizeof(cpu_info.vendor));
    strlcpy(cpu_info.model_name, "486 without CPUID", sizeof(cpu_info.model_name));
    cpu_info.family = 4;
    if (fpu_answers())
        set_feature(CPU_FPU);
}

void cpu_enable_features(void)
{
    cr0_write(cr0_read() | CR0_WP);
    if (!cpu_has(CPU_CR4))
        return;
    uint32_t cr4 = cr4_read();
    if (cpu_has(CPU_SMEP))
        cr4 |= CR4_SMEP;
    if (cpu_has(CPU_SMAP))
        cr4 |= CR4_SMAP;
    if (cpu_has(CPU_UMIP))
        cr4 |= CR4_UMIP;
    cr4_write(cr4);
}

void cpu_patch_code(void *site, const uint8_t *bytes, size_t nbytes)
{
    uint32_t flags = irq_save();
    uint32_t cr0 = cr0_read();
    cr0_write(cr0 & ~CR0_WP);
    memcpy(site, bytes, nbytes);
    cr0_write(cr0);
    /* A 486 goes on with what it prefetched until a jump (SDM vol. 3, 8.1.3). */
    __asm__ volatile("jmp 1f\n1:" ::: "memory");
    irq_restore(flags);
}

void cpu_triple_fault(void)
{
    static const struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) empty_idt = { 0, 0 };
    __asm__ volatile("lidt %0; int3" ::"m"(empty_idt));
    cpu_halt();
}
