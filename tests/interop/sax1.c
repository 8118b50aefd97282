/*
 * Lets pidgin-sipe 1.25 read XML with any libxml2: LD_PRELOAD=sax1.so pidgin
 *
 * The plugin gives libxml2 a handler that has only SAX1 callbacks and yet carries the mark of SAX2. libxml2 before 2.12
 * called them all the same; Debian 12's 2.9.14 with the fix of CVE-2023-39615 does not, and the plugin then reads no
 * XML at all. Without the mark every libxml2 calls them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libxml/parser.h>

int xmlSAXUserParseMemory(xmlSAXHandlerPtr handler, void *data, const char *text, int size)
{
	static int (*original)(xmlSAXHandlerPtr, void *, const char *, int);
	xmlSAXHandler sax1;

	if (!original)
		*(void **)&original = dlsym(RTLD_NEXT, "xmlSAXUserParseMemory");
	if (!original)
		return -1;
	if (!handler || !handler->startElement || handler->startElementNs || handler->endElementNs)
		return original(handler, data, text, size);
	sax1 = *handler;
	sax1.initialized = 1;
	return original(&sax1, data, text, size);
}
