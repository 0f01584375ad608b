#include <CHostSystem.h>
